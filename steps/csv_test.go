package steps

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/flowrunner/flowrunner/engine/step"
)

// put writes a file into the flow's directory.
func (h *fakeHost) put(t testing.TB, name, content string) {
	t.Helper()
	full := filepath.Join(h.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(t, os.WriteFile(full, []byte(content), 0o600))
}

// get reads a file of the flow's directory.
func (h *fakeHost) get(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(h.dir, name))
	require.NoError(t, err)
	return string(data)
}

// types is a columns or type parameter as the engine gives it.
func types(pairs ...string) step.Named[any] {
	var n step.Named[any]
	for i := 0; i < len(pairs); i += 2 {
		n = append(n, step.NamedItem[any]{Name: pairs[i], Value: pairs[i+1]})
	}
	return n
}

func TestReadCSV(t *testing.T) {
	cp1251, err := charmap.Windows1251.NewEncoder().String("имя;город\nАнна;Рига\n")
	require.NoError(t, err)
	moscow, err := time.LoadLocation("Europe/Moscow")
	require.NoError(t, err)
	at := func(y, m, d, h, min int) time.Time { return time.Date(y, time.Month(m), d, h, min, 0, 0, moscow) }
	tests := []struct {
		name, file string
		args       obj
		want       []any
	}{
		{"all columns as text", "id,name\n1,Ann\n2,\n", nil, []any{obj{"id": "1", "name": "Ann"}, obj{"id": "2", "name": nil}}},
		{"byte order mark and CRLF", "\ufeffid,name\r\n1,Ann\r\n", nil, []any{obj{"id": "1", "name": "Ann"}}},
		{"quotes, delimiters and line breaks in cells", "a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\n", nil, []any{obj{"a": `x, "y"`, "b": "two\nlines"}}},
		{"no line break at the end", "a\nx", nil, []any{obj{"a": "x"}}},
		{"header only", "a,b\n", nil, []any{}},
		{"semicolons are found out", "a;b\n1,5;x\n", nil, []any{obj{"a": "1,5", "b": "x"}}},
		{"tabs are found out", "a\tb\n1\tx\n", nil, []any{obj{"a": "1", "b": "x"}}},
		{"delimiters in quotes do not count", "\"a;b;c\",d\n1,2\n", nil, []any{obj{"a;b;c": "1", "d": "2"}}},
		{"delimiter given", "a|b\n1|2\n", obj{"delimiter": "|"}, []any{obj{"a": "1", "b": "2"}}},
		{"delimiter tab in words", "a\tb\n1\t2\n", obj{"delimiter": "tab"}, []any{obj{"a": "1", "b": "2"}}},
		{"columns without a name are not read", "a,,b\n1,2,3\n", nil, []any{obj{"a": "1", "b": "3"}}},
		{"blanks around names", " a , b\n1,2\n", nil, []any{obj{"a": "1", "b": "2"}}},
		{"windows-1251", cp1251, obj{"encoding": "windows-1251"}, []any{obj{"имя": "Анна", "город": "Рига"}}},
		{
			"typed columns, others not read", "id,name,price,ok,wait\n7, Ann ,1.50,yes,2d12h\n,,,,\n",
			obj{"columns": types("id", "integer", "name", "string", "price", "number", "ok", "boolean", "wait", "duration")},
			[]any{obj{"id": 7, "name": " Ann ", "price": 1.5, "ok": true, "wait": 60 * time.Hour}, obj{"id": nil, "name": nil, "price": nil, "ok": nil, "wait": nil}},
		},
		{"a choice of columns", "id,name\n7,Ann\n", obj{"columns": types("name", "string")}, []any{obj{"name": "Ann"}}},
		{"decimal comma and groups", "n\n\"1 234,50\"\n-2\n", obj{"columns": types("n", "number"), "decimal": ","}, []any{obj{"n": 1234.5}, obj{"n": -2.0}}},
		{"groups in integers", "n\n1 000\n1\u00a0000\n", obj{"columns": types("n", "integer")}, []any{obj{"n": 1000}, obj{"n": 1000}}},
		{"no header", "1,Ann\n", obj{"columns": types("id", "integer", "name", "string"), "header": false}, []any{obj{"id": 1, "name": "Ann"}}},
		{"dates in the zone", "d\n2026-01-31\n31.01.2026\n 1.2.2026 \n", obj{"columns": types("d", "date")}, []any{obj{"d": at(2026, 1, 31, 0, 0)}, obj{"d": at(2026, 1, 31, 0, 0)}, obj{"d": at(2026, 2, 1, 0, 0)}}},
		{
			"times in the zone", "t\n2026-01-31 18:30\n31.01.2026 18:30:00\n2026-01-31T15:30:00Z\n2026-01-31T18:30\n31.01.2026\n",
			obj{"columns": types("t", "time")},
			[]any{obj{"t": at(2026, 1, 31, 18, 30)}, obj{"t": at(2026, 1, 31, 18, 30)}, obj{"t": at(2026, 1, 31, 18, 30)}, obj{"t": at(2026, 1, 31, 18, 30)}, obj{"t": at(2026, 1, 31, 0, 0)}},
		},
		{"dateFormat of dates", "d,t\n01/31/2026,01/31/2026 18:30\n", obj{"columns": types("d", "date", "t", "time"), "dateFormat": "MM/dd/yyyy"}, []any{obj{"d": at(2026, 1, 31, 0, 0), "t": at(2026, 1, 31, 18, 30)}}},
		{"dateFormat of times", "d,t\n31/01/26,31/01/26 8:05\n", obj{"columns": types("d", "date", "t", "time"), "dateFormat": "dd/MM/yy HH:mm"}, []any{obj{"d": at(2026, 1, 31, 0, 0), "t": at(2026, 1, 31, 8, 5)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			h.put(t, "in/data.csv", tt.file)
			args := obj{"path": "in/data.csv"}
			for k, v := range tt.args {
				args[k] = v
			}
			outs, err := kind(t, "read_csv").Run(ctx, args)
			require.NoError(t, err)
			require.Equal(t, tt.want, drain(t, outs, "rows"))
			require.Equal(t, tt.want, drain(t, outs, "rows"), "it can be read again")
			require.NotContains(t, outs, "count", "the engine counts")
		})
	}
}

func TestReadCSVErrors(t *testing.T) {
	tests := []struct {
		name, file string
		args       obj
		want       string
	}{
		{"integer", "id,n\nx,12a\n", obj{"columns": types("n", "integer")}, `data.csv:2:3: column n: "12a" is no integer`},
		{"number", "n\n1,5\n", obj{"columns": types("n", "number"), "delimiter": ";"}, `data.csv:2:1: column n: "1,5" is no number with the decimal sign "."`},
		{"number with the other sign", "n\n1.5\n", obj{"columns": types("n", "number"), "decimal": ","}, `data.csv:2:1: column n: "1.5" is no number with the decimal sign ","`},
		{"infinity is no number", "n\ninf\n", obj{"columns": types("n", "number")}, `data.csv:2:1: column n: "inf" is no number with the decimal sign "."`},
		{"boolean", "b\nmaybe\n", obj{"columns": types("b", "boolean")}, `data.csv:2:1: column b: "maybe" is no boolean; allowed: true, false, yes, no, 1, 0, да, нет`},
		{"duration", "d\nsoon\n", obj{"columns": types("d", "duration")}, `data.csv:2:1: column d: "soon" is no duration; write it as 90d, 36h or 1h30m`},
		{"date", "d\n31.02.2026\n", obj{"columns": types("d", "date")}, `data.csv:2:1: column d: "31.02.2026" is no date; write it as 2026-01-31 or 31.01.2026, or set dateFormat`},
		{"time after a cell of two lines", "a,t\n\"x\ny\",noon\n", obj{"columns": types("t", "time")}, `data.csv:3:4: column t: "noon" is no time; write it as 2026-01-31 18:30 or 31.01.2026 18:30, or set dateFormat`},
		{"a long cell is cut", "n\n" + strings.Repeat("я", 100) + "\n", obj{"columns": types("n", "integer")}, `data.csv:2:1: column n: "` + strings.Repeat("я", 60) + `…" is no integer`},
		{"uneven row", "a,b\n1,2\n1\n", nil, `data.csv:3: has 1 cells where 2 are wanted; look for a missing quote or a delimiter that is not ","`},
		{"uneven row without header", "1,2\n1,2,3\n", obj{"columns": types("a", "string", "b", "string"), "header": false}, `data.csv:2: has 3 cells where 2 are wanted; look for a missing quote or a delimiter that is not ","`},
		{"quote in a cell", "a\nx\"y\n", nil, `data.csv:2:2: a quote (") stands in the middle of a cell; double it and put the whole cell in quotes`},
		{"quote without an end", "a\nx\n\"y\n", nil, `data.csv:3:4: a cell in quotes that begins in line 3 does not end properly; a quote inside it must be doubled`},
		{"bytes that are no UTF-8", "a\n\xc0\xed\xed\xe0\n", nil, `data.csv:2: is not encoded as UTF-8; save the file as UTF-8 or set encoding: windows-1251`},
		{"header that is no UTF-8", "\xc0\n1\n", nil, `data.csv:1: is not encoded as UTF-8; save the file as UTF-8 or set encoding: windows-1251`},
		{"UTF-16", "\xff\xfea\x00", nil, `data.csv: is encoded as UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)`},
		{"workbook", "PK\x03\x04....", nil, `data.csv: is an Excel workbook; save it as CSV UTF-8`},
		{"empty", "", nil, `data.csv: is empty; its first line should name the columns (or set header: false)`},
		{"broken header", "a\"b\n", nil, `data.csv:1:2: a quote (") stands in the middle of a cell; double it and put the whole cell in quotes`},
		{"two columns of one name", "a,b,a\n", nil, `data.csv:1: two columns are named "a"; rename one of them`},
		{"column not there", "a,b\n", obj{"columns": types("phone", "string")}, `data.csv:1: there is no column "phone"; the first line has: a, b`},
		{"no header and no columns", "1\n", obj{"header": false}, "columns is missing; without a header line it must name the columns in order, as in `phone: string`"},
		{"unknown type", "a\n", obj{"columns": types("a", "text")}, `columns.a is "text"; allowed: string, integer, number, boolean, duration, date, time`},
		{"delimiter", "a\n", obj{"delimiter": ",,"}, `delimiter is ",,"; one character is wanted, such as ",", ";" or "tab"`},
		{"dateFormat letters", "a\n", obj{"dateFormat": "DD.MM.yyyy"}, `dateFormat has "D", which is no part of a date; allowed: yyyy yy MM M dd d HH H mm ss`},
		{"dateFormat without a year", "a\n", obj{"dateFormat": "dd.MM"}, `dateFormat is "dd.MM"; a date needs yyyy, MM and dd, as in dd.MM.yyyy`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			h.put(t, "data.csv", tt.file)
			args := obj{"path": "data.csv"}
			for k, v := range tt.args {
				args[k] = v
			}
			outs, err := kind(t, "read_csv").Run(ctx, args)
			if err == nil {
				_, err = drainErr(t, outs, "rows")
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestReadCSVSkipsBadRowsWhenAsked(t *testing.T) {
	h, ctx := newHost(t)
	h.put(t, "data.csv", "id,n\na,1\nb,x\nc\n\"d\"d,4\ne,5\n")
	outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv", "columns": types("id", "string", "n", "integer"), "onBadRow": "skip"})
	require.NoError(t, err)
	require.Equal(t, []any{obj{"id": "a", "n": 1}, obj{"id": "e", "n": 5}}, drain(t, outs, "rows"))
	require.Equal(t, map[string]int{"a row of data.csv that could not be read": 3}, h.left)
	require.Equal(t, []string{`data.csv:3:3: column n: "x" is no integer (this row is skipped, and others like it)`}, h.warned)
}

// A word for nothing is a text, and would be somebody's name: it is told, once.
func TestReadCSVTellsOfPlaceholders(t *testing.T) {
	h, ctx := newHost(t)
	h.put(t, "data.csv", "id,name,note\n1,,NULL\n2,NaN,x\n3,Nana,NULL\n")
	outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv", "columns": types("id", "integer", "name", "string")})
	require.NoError(t, err)
	require.Equal(t, []any{obj{"id": 1, "name": nil}, obj{"id": 2, "name": "NaN"}, obj{"id": 3, "name": "Nana"}}, drain(t, outs, "rows"))
	require.Equal(t, []string{`data.csv:3:3: column name: "NaN" is read as this text, and would be sent as it is; only an empty cell is nil`}, h.warned)
}

// A quote too many takes everything up to the next one into its cell. That is more than
// a bad row, which skip may leave out and count as one.
func TestAQuoteDoesNotSwallowRows(t *testing.T) {
	const ended = "data.csv:2: a cell in quotes that begins in this row has not ended properly by line %d, so that no row between them can be read; " +
		"close the quote (\"), double it, or delete it"
	for _, bad := range []string{"fail", "skip"} {
		tests := map[string]struct {
			rows   string
			want   string // the error
			warned []string
			read   int
		}{
			"to the end of the file":       {"1,\"Ann\n2,Bo\n3,Cy\n", fmt.Sprintf(ended, 4), nil, 0},
			"to a quote in another row":    {"1,\"Ann\n2,Bo\n3,\"Cy\"\n4,Di\n", fmt.Sprintf(ended, 4), nil, 0},
			"to a quote at the end of one": {"1,\"Ann\n2,Bo\n3,Cy\"\n4,Di\n5,\"Ed\n6,Fe\n7,\"\n", "", []string{`data.csv:2:3: this cell has 3 lines, which look like rows; if they are, a quote (") is missing or too many`}, 3},
			"a note of some lines":         {"1,\"Ann\nBo\nCy, Di, Ed\nFe\"\n2,\"Ann\nBo\"\n", "", nil, 2},
		}
		for name, tt := range tests {
			t.Run(bad+"/"+name, func(t *testing.T) {
				h, ctx := newHost(t)
				h.put(t, "data.csv", "id,name\n"+tt.rows)
				outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv", "columns": types("id", "string"), "onBadRow": bad})
				require.NoError(t, err)
				rows, err := drainErr(t, outs, "rows")
				require.Equal(t, tt.want, errText(err))
				require.Equal(t, tt.warned, h.warned)
				require.Len(t, rows, tt.read)
				require.Empty(t, h.left)
			})
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPathsStayInTheFlowsDirectory(t *testing.T) {
	for _, name := range []string{"read_csv", "read_json", "write_csv", "write_json"} {
		tests := []struct{ path, want string }{
			{"", `path is ""; write a file's path, as in out/report.csv`},
			{"/etc/passwd", `path is "/etc/passwd", an absolute path; a flow may only touch files below its own directory: write the path from there`},
			{"../secret.csv", `path is "../secret.csv", which leads out of the flow's directory; move the file below it`},
			{"a/../../b.csv", `path is "a/../../b.csv", which leads out of the flow's directory; move the file below it`},
			{"dir", "dir: is a directory, but a file is wanted"},
			{"file.txt/x.csv", "file.txt/x.csv: a part of the path is a file, not a directory"},
			{"out/x.csv", "out/x.csv: a link in it leads out of the flow's directory; move the file below it"},
		}
		if strings.HasPrefix(name, "read") {
			tests = append(tests, struct{ path, want string }{"nothing.csv", "nothing.csv: there is no such file; paths start at the flow's directory"})
		}
		for _, tt := range tests {
			t.Run(name+" "+tt.path, func(t *testing.T) {
				h, ctx := newHost(t)
				h.put(t, "dir/inside.csv", "a\n")
				h.put(t, "file.txt", "text")
				require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(h.dir, "out")))
				args := obj{"path": tt.path}
				switch name {
				case "write_csv":
					args["rows"] = []any{obj{"a": 1}}
				case "write_json":
					args["value"] = 1
				}
				_, err := kind(t, name).Run(ctx, args)
				require.EqualError(t, err, tt.want)
			})
		}
	}
}

func TestFilesAreClosedWhenAStreamIsLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("open files are counted through /proc; elsewhere only the reading is checked")
	}
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return 0
		}
		return len(entries)
	}
	h, ctx := newHost(t)
	h.put(t, "data.csv", "a\n1\n2\n3\n")
	h.put(t, "data.jsonl", "1\n2\n3\n")
	before := open()
	for range 20 {
		outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv"})
		require.NoError(t, err)
		require.Len(t, first(t, outs, "rows", 1), 1)
		outs, err = kind(t, "read_json").Run(ctx, obj{"path": "data.jsonl", "lines": true})
		require.NoError(t, err)
		require.Len(t, first(t, outs, "rows", 1), 1)
	}
	require.Less(t, open(), before+20)
}

func TestWriteCSV(t *testing.T) {
	noon := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		args obj
		want string
	}{
		{"fields by name without a declared order", obj{"rows": []any{obj{"b": 1, "a": "x"}}}, "a,b\nx,1\n"},
		{"columns choose and order", obj{"rows": []any{obj{"b": 1, "a": "x", "c": 2}}, "columns": []any{"c", "a", "missing"}}, "c,a,missing\n2,x,\n"},
		{
			"every form of value",
			obj{"columns": []any{"a", "b", "c", "d", "e", "f", "g", "h"}, "rows": []any{obj{"a": nil, "b": true, "c": 1.0 / 3, "d": noon, "e": 36 * time.Hour, "f": []any{1, "<x>", noon}, "g": obj{"b": nil, "a": 1e21}, "h": time.Hour}}},
			"a,b,c,d,e,f,g,h\n,true,0.3333333333333333,2026-01-01T12:00:00+03:00,1d12h,\"[1,\"\"<x>\"\",\"\"2026-01-01T12:00:00+03:00\"\"]\",\"{\"\"a\"\":1000000000000000000000,\"\"b\"\":null}\",1h\n",
		},
		{
			"formula cells are harmless",
			obj{"columns": []any{"a"}, "rows": []any{obj{"a": "=1+1"}, obj{"a": "+79160000001"}, obj{"a": "-5.5"}, obj{"a": "-"}, obj{"a": "@me"}, obj{"a": "\tx"}, obj{"a": "+cmd|x"}, obj{"a": -5}, obj{"a": "+inf"}}},
			"a\n'=1+1\n+79160000001\n-5.5\n'-\n'@me\n'\tx\n'+cmd|x\n-5\n'+inf\n",
		},
		{"quotes and line breaks", obj{"rows": []any{obj{"a": "x,\"y\"\nz"}}}, "a\n\"x,\"\"y\"\"\nz\"\n"},
		{"delimiter and byte order mark", obj{"rows": []any{obj{"a": 1, "b": 2}}, "delimiter": ";", "bom": true}, "\ufeffa;b\n1;2\n"},
		{"unique within the rows", obj{"rows": []any{obj{"a": 1}, obj{"a": 2}, obj{"a": 1}, obj{"a": nil}, obj{"a": nil}}, "unique": "a"}, "a\n1\n2\n\"\"\n\"\"\n"},
		{"no rows but columns", obj{"rows": []any{}, "columns": []any{"a", "b"}}, "a,b\n"},
		{"no rows at all", obj{"rows": []any{}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			tt.args["path"] = "out/deep/data.csv"
			outs, err := kind(t, "write_csv").Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, tt.want, h.get(t, "out/deep/data.csv"))
			require.Equal(t, "out/deep/data.csv", outs["path"])
			if strings.Contains(tt.want, "missing") {
				require.Equal(t, []string{"out/deep/data.csv: no row has the field missing; its column is empty"}, h.warned)
			} else {
				require.Empty(t, h.warned)
			}
			entries, err := os.ReadDir(filepath.Join(h.dir, "out/deep"))
			require.NoError(t, err)
			require.Len(t, entries, 1, "no temporary file stays")
		})
	}
}

func TestWriteCSVTakesColumnsInDeclaredOrder(t *testing.T) {
	h, ctx := newHost(t)
	row := step.ObjectOf(step.Field{Name: "zeta", Shape: step.ShapeInt}, step.Field{Name: "alpha", Shape: step.ShapeInt})
	ctx = step.WithCall(ctx, step.Call{Shapes: map[string]step.Shape{"rows": step.StreamShape(row)}})
	_, err := kind(t, "write_csv").Run(ctx, obj{"path": "data.csv", "rows": []any{obj{"alpha": 1, "zeta": 2}}})
	require.NoError(t, err)
	require.Equal(t, "zeta,alpha\n2,1\n", h.get(t, "data.csv"))
}

func TestAppendCSV(t *testing.T) {
	h, ctx := newHost(t)
	run := func(args obj) (obj, error) {
		args["path"], args["mode"] = "log.csv", "append"
		return kind(t, "write_csv").Run(ctx, args)
	}
	outs, err := run(obj{"rows": []any{obj{"id": 1, "n": "=x"}}, "unique": "id", "bom": true})
	require.NoError(t, err)
	require.Equal(t, 1, outs["count"])
	outs, err = run(obj{"rows": []any{obj{"id": 2, "n": "b"}, obj{"id": 1, "n": "c"}, obj{"id": 2, "n": "d"}}, "unique": "id", "bom": true})
	require.NoError(t, err)
	require.Equal(t, 1, outs["count"])
	require.Equal(t, "\ufeffid,n\n1,'=x\n2,b\n", h.get(t, "log.csv"))
	require.Equal(t, map[string]int{"already in log.csv": 2}, h.left)

	_, err = run(obj{"rows": broken(obj{"id": 3, "n": "e"})})
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, "\ufeffid,n\n1,'=x\n2,b\n", h.get(t, "log.csv"), "a failed append leaves the file as it was")

	_, err = run(obj{"rows": []any{obj{"id": 3}}, "columns": []any{"id"}})
	require.EqualError(t, err, "log.csv: has the columns id, n, but the rows have id; write to another file or set columns")
	_, err = run(obj{"rows": []any{obj{"id": 3, "x": 1}}})
	require.EqualError(t, err, "rows, record 1: has the field x, which the first record had not; name the fields to write in columns")

	h.put(t, "log.csv", "id,n\n1,a")
	_, err = run(obj{"rows": []any{obj{"id": 2, "n": "b"}}, "columns": []any{"id", "n"}, "unique": "n"})
	require.NoError(t, err)
	require.Equal(t, "id,n\n1,a\n2,b\n", h.get(t, "log.csv"), "a missing line break is added")

	h.put(t, "log.csv", "id,n\n1,\"a\n")
	_, err = run(obj{"rows": []any{obj{"id": 2, "n": "b"}}, "unique": "n"})
	require.ErrorContains(t, err, "log.csv: cannot be continued: ")
	h.put(t, "log.csv", "i\"d\n")
	_, err = run(obj{"rows": []any{obj{"id": 2}}})
	require.ErrorContains(t, err, "log.csv: cannot be continued, its first line is no header: ")
}

func TestWriteCSVErrors(t *testing.T) {
	secret := step.NewSecret("hunter2")
	tests := []struct {
		name string
		args obj
		want string
	}{
		{"secret", obj{"rows": []any{obj{"a": 1}, obj{"a": secret}}}, "rows, record 2: field a is a secret; secrets are never shown or written"},
		{"secret in a list", obj{"rows": []any{obj{"a": []any{secret}}}}, "rows, record 1: field a is a secret; secrets are never shown or written"},
		{"secret in a record", obj{"rows": []any{obj{"a": obj{"b": secret}}}}, "rows, record 1: field a is a secret; secrets are never shown or written"},
		{"no record", obj{"rows": []any{"x"}}, "rows, record 1: is no record; make records with map"},
		{"broken source", obj{"rows": broken(obj{"a": 1})}, "broken source"},
		{"unique is no column", obj{"rows": []any{obj{"a": 1}}, "unique": "b"}, `unique is "b", which is no column; write one of: a`},
		{"delimiter", obj{"rows": []any{}, "delimiter": "\n"}, `delimiter is "\n"; one character is wanted, such as ",", ";" or "tab"`},
		{"columns", obj{"rows": []any{}, "columns": []any{}}, "columns has 0 items, but at least 1 is allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ctx := newHost(t)
			h.put(t, "data.csv", "old")
			tt.args["path"] = "data.csv"
			_, err := kind(t, "write_csv").Run(ctx, tt.args)
			require.EqualError(t, err, tt.want)
			require.Equal(t, "old", h.get(t, "data.csv"), "the old file is still there")
			entries, err := os.ReadDir(h.dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, "no temporary file stays")
		})
	}
}

func TestCSVRoundTrip(t *testing.T) {
	h, ctx := newHost(t)
	noon := h.Now()
	rows := []any{
		obj{"a": "x,\"y\"\n", "b": 1, "c": 1.25, "d": true, "e": 90 * time.Minute, "f": noon},
		obj{"a": "Привет; \t", "b": nil, "c": nil, "d": false, "e": nil, "f": nil},
	}
	_, err := kind(t, "write_csv").Run(ctx, obj{"path": "data.csv", "rows": rows, "bom": true})
	require.NoError(t, err)
	outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv", "columns": types("a", "string", "b", "integer", "c", "number", "d", "boolean", "e", "duration", "f", "time")})
	require.NoError(t, err)
	require.Equal(t, rows, drain(t, outs, "rows"))
}

func TestInferOfFiles(t *testing.T) {
	text := step.ShapeText.OrNil()
	row := func(fields ...step.Field) step.Shape { return step.StreamShape(step.ObjectOf(fields...)) }
	declared := step.Call{
		Shapes:   map[string]step.Shape{"columns": step.ObjectOf(step.Field{Name: "phone", Shape: step.ShapeText}, step.Field{Name: "at", Shape: step.ShapeText})},
		Literals: obj{"columns": types("phone", "string", "at", "time")},
	}
	records := step.StreamShape(step.ObjectOf(step.Field{Name: "id", Shape: step.ShapeInt}, step.Field{Name: "token", Shape: step.ShapeSecret}))
	tests := []struct {
		name, kind string
		call       step.Call
		out        string
		want       step.Shape
		err        string
	}{
		{"read_csv without columns", "read_csv", step.Call{}, "rows", step.StreamShape(step.Shape{Form: step.FormObject, Open: true, Elem: &text}), ""},
		{"read_csv with columns", "read_csv", declared, "rows", row(step.Field{Name: "phone", Shape: text}, step.Field{Name: "at", Shape: step.ShapeTime.OrNil()}), ""},
		{
			"read_csv with columns known by value only", "read_csv",
			step.Call{Shapes: map[string]step.Shape{"columns": {Form: step.FormObject, Open: true}}, Literals: obj{"columns": obj{"n": "integer", "b": "boolean"}}},
			"rows",
			row(step.Field{Name: "b", Shape: step.ShapeBool.OrNil()}, step.Field{Name: "n", Shape: step.ShapeInt.OrNil()}), "",
		},
		{"read_csv with an unknown type", "read_csv", step.Call{Shapes: map[string]step.Shape{"columns": {}}, Literals: obj{"columns": types("n", "int")}}, "", step.Shape{}, `columns.n is "int", which is no type; allowed: string, integer, number, boolean, duration, date, time`},
		{"read_csv with a type that is an expression", "read_csv", step.Call{Shapes: map[string]step.Shape{"columns": step.ObjectOf(step.Field{Name: "n", Shape: step.ShapeText})}}, "", step.Shape{}, `columns.n is not written as a plain type; allowed: string, integer, number, boolean, duration, date, time`},
		{"read_csv with no names", "read_csv", step.Call{Shapes: map[string]step.Shape{"columns": step.ObjectOf()}, Literals: obj{"columns": types()}}, "", step.Shape{}, "columns has no names; write name: type, as in `phone: string`"},
		{"read_csv without header and columns", "read_csv", step.Call{Literals: obj{"header": false}}, "", step.Shape{}, "columns is missing; without a header line it must name the columns in order, as in `phone: string`"},
		{"read_json", "read_json", step.Call{}, "value", step.ShapeAny, ""},
		{"read_json lines", "read_json", step.Call{Shapes: map[string]step.Shape{"lines": step.ShapeBool}, Literals: obj{"lines": true}}, "rows", step.StreamShape(step.ShapeAny), ""},
		{
			"read_json type", "read_json",
			step.Call{Shapes: map[string]step.Shape{"type": {}}, Literals: obj{"type": types("n", "number", "d", "duration", "x", "any")}},
			"rows",
			row(step.Field{Name: "n", Shape: step.ShapeNumber.OrNil()}, step.Field{Name: "d", Shape: step.ShapeDuration.OrNil()}, step.Field{Name: "x", Shape: step.ShapeAny}), "",
		},
		{"read_json with an unknown type", "read_json", step.Call{Shapes: map[string]step.Shape{"type": {}}, Literals: obj{"type": types("n", "map")}}, "", step.Shape{}, `type.n is "map", which is no type; allowed: string, integer, number, boolean, duration, date, time, any`},
		{"read_json lines by expression", "read_json", step.Call{Shapes: map[string]step.Shape{"lines": step.ShapeBool}}, "", step.Shape{}, "lines is an expression; write true or false, since it decides what the outputs are"},
		{"write_csv", "write_csv", step.Call{Shapes: map[string]step.Shape{"rows": records}, Literals: obj{"columns": []any{"id"}, "unique": "id"}}, "count", step.ShapeInt, ""},
		{"write_csv of anything", "write_csv", step.Call{}, "count", step.ShapeInt, ""},
		{"write_csv of a secret", "write_csv", step.Call{Shapes: map[string]step.Shape{"rows": records}}, "", step.Shape{}, "rows hold the secret token; secrets are never written to files: leave it out with columns"},
		{"write_csv of an unknown column", "write_csv", step.Call{Shapes: map[string]step.Shape{"rows": records}, Literals: obj{"columns": []any{"idd"}}}, "", step.Shape{}, `columns has "idd", which is no field of the rows; write one of: id, token`},
		{"write_csv unique by no column", "write_csv", step.Call{Shapes: map[string]step.Shape{"rows": records}, Literals: obj{"columns": []any{"id"}, "unique": "phone"}}, "", step.Shape{}, `unique is "phone", which is no column; write one of: id`},
		{"write_csv of texts", "write_csv", step.Call{Shapes: map[string]step.Shape{"rows": step.ListOf(step.ShapeText)}}, "", step.Shape{}, "rows hold text, but records are wanted; make records of them with map"},
		{"write_json", "write_json", step.Call{Shapes: map[string]step.Shape{"value": step.ShapeInt}}, "path", step.ShapeText, ""},
		{"write_json of nothing", "write_json", step.Call{}, "", step.Shape{}, "value or rows must be given, one of them and not both"},
		{"write_json of both", "write_json", step.Call{Shapes: map[string]step.Shape{"value": {}, "rows": {}}}, "", step.Shape{}, "value or rows must be given, one of them and not both"},
		{"write_json of a secret", "write_json", step.Call{Shapes: map[string]step.Shape{"value": step.ShapeSecret}}, "", step.Shape{}, "value is a secret; secrets are never written to files"},
		{"write_json of a value in lines", "write_json", step.Call{Shapes: map[string]step.Shape{"value": {}}, Literals: obj{"lines": true}}, "", step.Shape{}, "lines is true, but one record a line needs rows, not value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fields, err := kind(t, tt.kind).Infer(tt.call)
			if tt.err != "" {
				var arg *step.ArgError
				require.ErrorAs(t, err, &arg)
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			f, ok := step.ObjectOf(fields...).Field(tt.out)
			require.True(t, ok)
			require.Equal(t, plain(tt.want), plain(f.Shape))
		})
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), false)
	f.Add([]byte("\ufeffa;b\n\"x\n\";2\n3\n"), true)
	f.Add([]byte("a\"b\n\xff\n,,\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, skip bool) {
		h, ctx := newHost(t)
		h.put(t, "data.csv", string(data))
		bad := "fail"
		if skip {
			bad = "skip"
		}
		outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv", "onBadRow": bad})
		if err == nil {
			var rows []any
			if rows, err = drainErr(t, outs, "rows"); err == nil && len(rows) > 0 && len(rows[0].(obj)) > 1 {
				// What was read can be written and read again.
				_, err := kind(t, "write_csv").Run(ctx, obj{"path": "again.csv", "rows": rows})
				require.NoError(t, err)
				outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "again.csv", "delimiter": ","})
				if err == nil { // names of two columns may become one by the '
					require.Len(t, drain(t, outs, "rows"), len(rows))
				}
			}
		}
		if err != nil {
			require.Contains(t, err.Error(), "data.csv")
		}
	})
}

func BenchmarkReadCSV100k(b *testing.B) {
	h, ctx := newHost(b)
	var text strings.Builder
	text.WriteString("id,name,at\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "%d,Ann %d,2026-01-31 18:30\n", i, i)
	}
	h.put(b, "data.csv", text.String())
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		outs, err := kind(b, "read_csv").Run(ctx, obj{"path": "data.csv", "columns": types("id", "integer", "name", "string", "at", "time")})
		require.NoError(b, err)
		n := 0
		for _, err := range outs["rows"].(step.Stream[any]).All() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		require.Equal(b, 100_000, n)
	}
}

func BenchmarkWriteCSV100k(b *testing.B) {
	h, ctx := newHost(b)
	rows := make([]any, 100_000)
	for i := range rows {
		rows[i] = obj{"id": i, "name": "Ann", "at": h.Now()}
	}
	b.ReportAllocs()
	for b.Loop() {
		outs, err := kind(b, "write_csv").Run(ctx, obj{"path": "data.csv", "rows": rows})
		require.NoError(b, err)
		require.Equal(b, 100_000, outs["count"])
	}
}
