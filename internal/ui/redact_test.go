package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const secret = `tök"en+/ with 7 parts`

// encoded are the ways in which a secret may come back.
func encoded(s string) map[string]string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"raw":        s,
		"query":      url.QueryEscape(s),
		"path":       url.PathEscape(s),
		"json":       string(quoted),
		"hex":        hex.EncodeToString([]byte(s)),
		"HEX":        strings.ToUpper(hex.EncodeToString([]byte(s))),
		"base64":     base64.StdEncoding.EncodeToString([]byte(s)),
		"base64 raw": base64.RawURLEncoding.EncodeToString([]byte(s)),
		"basic auth": base64.StdEncoding.EncodeToString([]byte("user:" + s)),
		"basic 2":    base64.StdEncoding.EncodeToString([]byte("me:" + s + ":rest")),
	}
}

// TestRedactionAtEverySplit writes a secret in two pieces, cut at every byte.
func TestRedactionAtEverySplit(t *testing.T) {
	for form, text := range encoded(secret) {
		whole := "before " + text + " after\n"
		var first string
		for cut := range len(whole) + 1 {
			var r Redactor
			r.Add(secret)
			var out bytes.Buffer
			w := r.Writer(&out)
			for _, part := range []string{whole[:cut], whole[cut:]} {
				n, err := io.WriteString(w, part)
				require.NoError(t, err)
				require.Equal(t, len(part), n)
			}
			require.NoError(t, w.Flush())
			got := out.String()
			require.NotContains(t, got, text, "%s, cut at %d", form, cut)
			require.Contains(t, got, mask, "%s, cut at %d", form, cut)
			require.True(t, strings.HasPrefix(got, "before ") && strings.HasSuffix(got, " after\n"), "%s, cut at %d: %q", form, cut, got)
			if cut == 0 {
				first = got
			}
			require.Equal(t, first, got, "%s: the cut at %d changes what is shown", form, cut)
		}
	}
}

// TestRedactionByteByByte is the worst of all splits.
func TestRedactionByteByByte(t *testing.T) {
	var r Redactor
	r.Add("abcabcabd")
	r.Add("abcab")
	var out bytes.Buffer
	w := r.Writer(&out)
	for _, b := range []byte("xabcabcabcabdy abcab abca abcabcabz") {
		_, err := w.Write([]byte{b})
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.Equal(t, "x***c***dy *** abca ***cabz", out.String())
}

// TestNothingIsHeldBack: only the beginning of a secret waits for more.
func TestNothingIsHeldBack(t *testing.T) {
	var r Redactor
	r.Add("secret-token")
	var out bytes.Buffer
	w := r.Writer(&out)
	_, err := io.WriteString(w, "Send 3 messages? [y/N] ")
	require.NoError(t, err)
	require.Equal(t, "Send 3 messages? [y/N] ", out.String())
	_, err = io.WriteString(w, "secret")
	require.NoError(t, err)
	require.Equal(t, "Send 3 messages? [y/N] ", out.String(), "this may become the secret")
	_, err = io.WriteString(w, "s\n")
	require.NoError(t, err)
	require.Equal(t, "Send 3 messages? [y/N] secrets\n", out.String())
}

// TestFlushStillMasks: a secret that is the beginning of a longer one.
func TestFlushStillMasks(t *testing.T) {
	var r Redactor
	r.Add("token")
	r.Add("token-and-more")
	var out bytes.Buffer
	w := r.Writer(&out)
	_, err := io.WriteString(w, "token")
	require.NoError(t, err)
	require.Empty(t, out.String())
	require.NoError(t, w.Flush())
	require.NoError(t, w.Flush())
	require.Equal(t, mask, out.String())
}

func TestShortSecretsAreNone(t *testing.T) {
	var r Redactor
	r.Add("")
	r.Add("abc")
	var out bytes.Buffer
	_, err := io.WriteString(r.Writer(&out), "abc")
	require.NoError(t, err)
	require.Equal(t, "abc", out.String())
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestRedactionPassesErrorsOn(t *testing.T) {
	var r Redactor
	r.Add("secret")
	w := r.Writer(closed{})
	_, err := io.WriteString(w, "text")
	require.EqualError(t, err, "broken pipe")
	_, err = io.WriteString(w, "sec")
	require.NoError(t, err)
	require.EqualError(t, w.Flush(), "broken pipe")
}

// FuzzRedaction: no secret comes through, wherever it stands and is cut.
func FuzzRedaction(f *testing.F) {
	f.Add("secret-token", "before ", " after", uint(3))
	f.Add("aaaa", "aaa", "aaaa", uint(2))
	f.Add("ab\"ab", "ab", "", uint(0))
	f.Fuzz(func(t *testing.T, secret, before, after string, cut uint) {
		if len(secret) < minSecret || strings.Contains(mask, secret) {
			return
		}
		var r Redactor
		r.Add(secret)
		whole := before + secret + after
		at := int(cut % uint(len(whole)+1))
		var out bytes.Buffer
		w := r.Writer(&out)
		for _, part := range []string{whole[:at], whole[at:]} {
			_, err := io.WriteString(w, part)
			require.NoError(t, err)
		}
		require.NoError(t, w.Flush())
		for shown := range strings.SplitSeq(out.String(), mask) {
			require.NotContains(t, shown, secret)
		}
	})
}
