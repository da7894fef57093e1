package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

const people = 500

// rightly is the log of a run that did everything right.
func rightly() []sandbox.Accepted {
	c := newCrowd(people)
	var all []sandbox.Accepted
	for i := range people {
		if who := c.world.Contact(i); wanted(who) {
			all = append(all, sandbox.Accepted{N: len(all) + 1, ClientID: who.ID, Text: textFor(who)})
		}
	}
	return all
}

func TestWhatWasSentIsChecked(t *testing.T) {
	tests := map[string]struct {
		change func([]sandbox.Accepted) []sandbox.Accepted
		want   string
	}{
		"right":    {func(all []sandbox.Accepted) []sandbox.Accepted { return all }, ""},
		"twice":    {func(all []sandbox.Accepted) []sandbox.Accepted { return append(all, all[7]) }, "got two messages"},
		"one less": {func(all []sandbox.Accepted) []sandbox.Accepted { return all[1:] }, "wanted true, reached false"},
		"stranger": {func(all []sandbox.Accepted) []sandbox.Accepted {
			return append(all, sandbox.Accepted{ClientID: 5})
		}, "whom nobody knows"},
		"not wanted": {func(all []sandbox.Accepted) []sandbox.Accepted {
			c := newCrowd(people)
			for i := range people {
				if who := c.world.Contact(i); !wanted(who) {
					return append(all, sandbox.Accepted{ClientID: who.ID, Text: textFor(who)})
				}
			}
			return nil
		}, "wanted false, reached true"},
		"other text": {func(all []sandbox.Accepted) []sandbox.Accepted {
			all[3].Text += "!"
			return all
		}, "Sunday.!"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "accepted.jsonl")
			var text strings.Builder
			for _, a := range test.change(rightly()) {
				line, err := json.Marshal(a)
				require.NoError(t, err)
				fmt.Fprintf(&text, "%s\n", line)
			}
			require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
			err := checkAccepted(path, people)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
	require.Error(t, checkAccepted(filepath.Join(t.TempDir(), "none"), people))
}

func TestWhatWasExportedIsChecked(t *testing.T) {
	c := newCrowd(people)
	var right strings.Builder
	right.WriteString("id,phone\n")
	for i := range people {
		if who := c.world.Contact(i); wanted(who) {
			fmt.Fprintf(&right, "%d,%s\n", who.ID, who.Phone)
		}
	}
	tests := map[string]struct{ text, want string }{
		"right":       {right.String(), ""},
		"nobody":      {"id,phone\n", "wanted true, reached false"},
		"no id":       {"id,phone\nx,1\n", "is no id"},
		"no phone":    {strings.Replace(right.String(), ",7", ",8", 1), "not as it should be"},
		"broken line": {"id,phone\n1\n", "wrong number of fields"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(folder, "out.csv"), []byte(test.text), 0o600))
			err := checkExport(folder, people)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestEverybodyIsFound finds each person by the id, and nobody by another.
func TestEverybodyIsFound(t *testing.T) {
	c := newCrowd(people)
	next := int64(0)
	for i := range people {
		id := c.world.Contact(i).ID
		_, at, ok := c.place(id)
		require.True(t, ok)
		require.Equal(t, i, at)
		for gap := max(next, id-3); gap < id; gap++ {
			_, _, ok := c.place(gap)
			require.False(t, ok, "%d is nobody's", gap)
		}
		next = id + 1
	}
}
