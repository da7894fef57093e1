package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// TestEveryReaderOfAStreamSeesIt lets one stream have readers in its own stage, in
// a later one, in a block of finally and in outputs, in all mixtures that decide
// whether it flows through, is written down, or is read from the plan.
func TestEveryReaderOfAStreamSeesIt(t *testing.T) {
	const source = `flow: readers
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: some
    uses: filter
    with: { items: "${{ steps.clients.outputs.clients }}", where: item.id % 2 == 0 }
`
	const now = `
  - id: pair
    uses: limit
    with: { items: "${{ steps.some.outputs.items }}", count: 2 }
  - id: here
    uses: write_csv
    with: { path: here.csv, rows: "${{ steps.pair.outputs.items }}", columns: [id] }
`
	const finally = `
finally:
  - id: wrap
    steps:
      - id: again
        uses: filter
        with: { items: "${{ steps.some.outputs.items }}", where: item.id > 104 }
      - id: left
        uses: write_csv
        with: { path: one.csv, rows: "${{ steps.again.outputs.items }}", columns: [id] }
      - id: right
        uses: write_csv
        with: { path: two.csv, rows: "${{ steps.again.outputs.items }}", columns: [id] }
`
	const count = `
outputs:
  count: ${{ steps.some.outputs.count }}
`
	const list = `
outputs:
  last: ${{ steps.some.outputs.items[-1]?.id }}
`
	tests := map[string]struct {
		src   string
		files map[string]string
		out   any
	}{
		"now":                  {source + now, map[string]string{"here.csv": "102 104"}, nil},
		"later":                {source + finally, map[string]string{"one.csv": "106 108 110", "two.csv": "106 108 110"}, nil},
		"now and later":        {source + now + finally, map[string]string{"here.csv": "102 104", "one.csv": "106 108 110", "two.csv": "106 108 110"}, nil},
		"count alone":          {source + count, nil, 5},
		"later and count":      {source + finally + count, map[string]string{"one.csv": "106 108 110"}, 5},
		"all and a whole list": {source + now + finally + list, map[string]string{"here.csv": "102 104", "two.csv": "106 108 110"}, 110},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(10)})
			r := b.run(test.src, nil)
			require.Empty(t, r.Causes, r.Reason)
			for file, ids := range test.files {
				text, err := os.ReadFile(filepath.Join(b.dir, file))
				require.NoError(t, err)
				require.Equal(t, "id "+ids, strings.Join(strings.Fields(string(text)), " "), file)
			}
			if test.out != nil {
				require.Equal(t, test.out, r.Outputs[0].Value)
			}
		})
	}
}
