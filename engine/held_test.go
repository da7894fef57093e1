package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// Whatever may be as long as an audience and is held in memory is told with its
// place; what streams is not, nor is what one iteration reads.
func TestHeld(t *testing.T) {
	const head = `flow: f
steps:
  - { id: every, uses: chat2desk_list_clients }
  - { id: few, uses: filter, with: { items: "${{ steps.every.outputs.clients }}", where: item.id > 7 } }
`
	const called = `flow: part
steps:
  - { id: rows, uses: read_csv, with: { path: a.csv } }
  - { id: show, uses: print, with: { message: "${{ len(steps.rows.outputs.rows) }}" } }
`
	tests := map[string]struct {
		steps string
		want  []string
	}{
		"a flow that is called, twice": {`
  - { id: ann, uses: ./part.yaml }
  - { id: bo, uses: ./part.yaml }`, []string{
			"part.yaml:4:56: an expression holds steps.rows.outputs.rows, 100,000 records",
		}},
		"streams hold nothing": {`
  - { id: sorted, uses: sort, with: { items: "${{ steps.few.outputs.items }}", by: item.id } }
  - { id: once, uses: distinct, with: { items: "${{ steps.sorted.outputs.items }}", by: item.phone } }
  - { id: show, uses: print, with: { message: "${{ steps.few.outputs.count }}" } }
  - { id: save, uses: write_json, with: { path: a.json, rows: "${{ steps.once.outputs.items }}" } }`, nil},
		"an expression, once for all": {`
  - { id: show, uses: print, with: { message: "${{ len(steps.few.outputs.items) }} of ${{ len(steps.every.outputs.clients) }}" } }
  - { id: again, uses: print, with: { message: "${{ len(steps.few.outputs.items) }}" } }`, []string{
			"5:56: an expression holds steps.few.outputs.items, 100,000 records",
			"5:95: an expression holds steps.every.outputs.clients, 100,000 records",
		}},
		"a list that is shown or written as a value": {`
  - { id: show, uses: print, with: { message: "${{ steps.few.outputs.items }}" } }
  - { id: save, uses: write_json, with: { path: a.json, value: "${{ steps.few.outputs.items }}" } }`, []string{
			"5:47: steps.show holds message, 1,000,000 records",
			"6:64: steps.save holds value, 1,000,000 records",
		}},
		"what kinds hold": {`
  - { id: known, uses: join, with: { left: "${{ steps.every.outputs.clients }}", right: "${{ steps.few.outputs.items }}", leftKey: item.id, rightKey: item.id } }
  - { id: same, uses: group, with: { items: "${{ steps.known.outputs.items }}", by: item.left.id % 7 } }
  - { id: save, uses: write_csv, with: { path: a.csv, rows: "${{ steps.few.outputs.items }}", columns: [id], mode: append, unique: id } }`, []string{
			"5:89: steps.known holds right, 1,000,000 records",
			"6:45: steps.same holds items, 1,000,000 records a group",
			"7:132: steps.save holds unique, 5,000,000 values",
		}},
		"a parameter that is a plain list": {`
  - { id: tags, uses: read_json, with: { path: tags.jsonl, lines: true } }
  - { id: some, uses: chat2desk_list_clients, with: { tags: "${{ steps.tags.outputs.rows }}" } }
  - { id: save, uses: write_json, with: { path: a.json, rows: "${{ steps.some.outputs.clients }}" } }`, []string{
			"6:61: steps.some holds tags, 100,000 items",
		}},
		"a list that was written out": {`
  - { id: known, uses: join, with: { left: "${{ steps.few.outputs.items }}", right: [1, 2], leftKey: item.id, rightKey: item } }
  - { id: show, uses: print, with: { message: "${{ [1, 2] }}" } }
  - { id: save, uses: write_json, with: { path: a.json, rows: "${{ steps.known.outputs.items }}" } }`, nil},
		"what an iteration reads": {`
  - id: each
    forEach: ${{ steps.few.outputs.items }}
    as: client
    steps:
      - { id: told, uses: chat2desk_list_messages, with: { contactId: "${{ client.id }}" } }
      - { id: show, uses: print, with: { message: "${{ len(steps.told.outputs.messages) }}" } }`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(folder, "part.yaml"), []byte(called), 0o600))
			src := head + tt.steps[1:] + "\n"
			p, problems := besides(filepath.Join(folder, "f.yaml"), src, folder)
			require.NotNil(t, p, diag.FormatAll(problems, []byte(src)))
			var got []string
			for _, h := range p.Held() {
				file := strings.TrimSuffix(filepath.Base(h.Span.File)+":", "f.yaml:")
				got = append(got, fmt.Sprintf("%s%d:%d: %s holds %s, %s", file, h.Span.Start.Line, h.Span.Start.Col, h.By, h.What, h.UpTo))
			}
			require.Equal(t, tt.want, got)
		})
	}
}
