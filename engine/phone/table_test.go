package phone

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"go/build"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/golden"
)

const source = "github.com/nyaruka/phonenumbers"

const head1 = "# Made by `make generate` after the tables of Google's libphonenumber (Apache License 2.0), as\n" +
	"# " + source + " carries them. Not to be edited.\n"

// TestTablesAreFresh holds the tables against those of the library.
func TestTablesAreFresh(t *testing.T) {
	for name, text := range map[string]string{"plans.txt": plansOf(t), "zones.txt": zonesOf(t)} {
		golden.Equal(t, name, text)
	}
}

func plansOf(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(head1)
	b.WriteString("# A plan is a region and its fields; general, fixed, mobile and other are lengths/local lengths:expression.\n")
	row(&b, "writing",
		"viable", phonenumbers.VALID_PHONE_NUMBER_PATTERN.String(), "extension", phonenumbers.EXTN_PATTERN.String(),
		"start", phonenumbers.VALID_START_CHAR_PATTERN.String(), "end", phonenumbers.UNWANTED_END_CHAR_PATTERN.String(),
		"second", phonenumbers.SECOND_NUMBER_START_PATTERN.String(),
		"context", phonenumbers.RFC3966_GLOBAL_NUMBER_DIGITS_PATTERN.String(), "domain", phonenumbers.RFC3966_DOMAINNAME_PATTERN.String())
	all, err := phonenumbers.MetadataCollection()
	require.NoError(t, err)
	byCode := map[int][]*phonenumbers.PhoneMetadata{}
	for _, m := range all.GetMetadata() {
		code := int(m.GetCountryCode())
		byCode[code] = append(byCode[code], m)
	}
	for code := range 1000 {
		order := phonenumbers.GetRegionCodesForCountryCode(code)
		require.Len(t, byCode[code], len(order))
		slices.SortFunc(byCode[code], func(a, b *phonenumbers.PhoneMetadata) int {
			return slices.Index(order, a.GetId()) - slices.Index(order, b.GetId())
		})
		for _, m := range byCode[code] {
			writePlan(t, &b, m)
		}
	}
	return b.String()
}

func writePlan(t *testing.T, b *strings.Builder, m *phonenumbers.PhoneMetadata) {
	t.Helper()
	require.NotEmpty(t, m.GetGeneralDesc().GetPossibleLength())
	require.NotContains(t, m.GetGeneralDesc().GetPossibleLength(), int32(-1))
	require.True(t, slices.IsSorted(m.GetGeneralDesc().GetPossibleLength()))
	require.True(t, m.GetId() == nowhere || m.GetInternationalPrefix() != "", "%s: whoever is there can call abroad", m.GetId())
	fields := []string{
		"code", strconv.Itoa(int(m.GetCountryCode())), "abroad", m.GetInternationalPrefix(), "prefix", m.GetNationalPrefixForParsing(),
		"rule", m.GetNationalPrefixTransformRule(), "leading", m.GetLeadingDigits(),
	}
	if m.GetSameMobileAndFixedLinePattern() {
		fields = append(fields, "alike", "yes")
	}
	fields = append(fields, "general", descText(t, m.GetGeneralDesc()), "fixed", descText(t, m.GetFixedLine()), "mobile", descText(t, m.GetMobile()))
	for _, d := range []*phonenumbers.PhoneNumberDesc{
		m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(),
	} {
		fields = append(fields, "other", descText(t, d))
	}
	row(b, m.GetId(), fields...)
}

// descText is empty for a kind that the region does not have.
func descText(t *testing.T, d *phonenumbers.PhoneNumberDesc) string {
	t.Helper()
	if d.GetNationalNumberPattern() == "" {
		return ""
	}
	text := join(d.GetPossibleLength())
	if local := d.GetPossibleLengthLocalOnly(); len(local) > 0 {
		text += "/" + join(local)
	}
	return text + ":" + d.GetNationalNumberPattern()
}

func join(all []int32) string {
	var words []string
	for _, n := range all {
		words = append(words, strconv.Itoa(int(n)))
	}
	return strings.Join(words, ",")
}

// row writes the fields that are not empty.
func row(b *strings.Builder, name string, fields ...string) {
	b.WriteString(name)
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] != "" {
			fmt.Fprintf(b, "\t%s=%s", fields[i], fields[i+1])
		}
	}
	b.WriteByte('\n')
}

// zonesOf reads the library's file of time zones, whose table it does not show: names, then
// for each prefix its distance to the one before, and which names.
func zonesOf(t *testing.T) string {
	t.Helper()
	pkg, err := build.Import(source, ".", build.FindOnly)
	require.NoError(t, err)
	packed, err := os.ReadFile(filepath.Join(pkg.Dir, "data", "prefix_to_timezone.xml.gz"))
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	in := bytes.NewReader(data)
	number := func(to any) { require.NoError(t, binary.Read(in, binary.LittleEndian, to)) }

	var size, count uint32
	number(&size)
	names := make([]byte, size)
	_, err = io.ReadFull(in, names)
	require.NoError(t, err)
	known := strings.Split(string(names), "\n")
	number(&count)
	groups := map[string][]string{}
	prefix := uint64(0)
	for range count {
		step, err := binary.ReadUvarint(in)
		require.NoError(t, err)
		prefix += step
		var n uint8
		number(&n)
		var zones []string
		for range n {
			var at uint16
			number(&at)
			zones = append(zones, known[at])
		}
		key := strings.Join(zones, "&")
		groups[key] = append(groups[key], strconv.FormatUint(prefix, 10))
	}
	require.Zero(t, in.Len())
	var b strings.Builder
	b.WriteString(head1)
	b.WriteString("# Time zones, and how the numbers begin that may be in any of them.\n")
	keys := make([]string, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(groups[key], " "))
	}
	return b.String()
}
