package diag_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
)

func at(line, col int) diag.Span {
	return diag.Span{File: "f.yaml", Start: diag.Pos{Line: line, Col: col}, End: diag.Pos{Line: line, Col: col + 1}}
}

func TestSpanString(t *testing.T) {
	require.Equal(t, "f.yaml:3:7", at(3, 7).String())
	require.Equal(t, "f.yaml", diag.Span{File: "f.yaml"}.String())
}

func TestAddReturnsTheOneInTheList(t *testing.T) {
	var l diag.List
	l.Add("a-code", at(1, 1), "unknown key %q", "x").WithDetail("takes %d", 2).WithHint("write %s", "y").AsWarning()
	require.Equal(t, diag.List{{
		Code: "a-code", Severity: diag.Warning, Span: at(1, 1), Summary: `unknown key "x"`, Detail: "takes 2", Hint: "write y",
	}}, l)
	require.Equal(t, `f.yaml:1:1: unknown key "x"`, l[0].Error())
	require.Equal(t, "warning", l[0].Severity.String())
	require.Equal(t, "error", diag.Error.String())
}

func TestSortOrdersAndDropsRepeats(t *testing.T) {
	var l diag.List
	l.Add("b", at(2, 1), "second line")
	l.Add("a", at(1, 9), "later column")
	l.Add("w", at(1, 2), "warning").AsWarning()
	l.Add("z", at(1, 2), "error")
	l.Add("c", at(1, 2), "error")
	l.Add("c", at(1, 2), "error")
	l.Add("c", at(1, 2), "another error")
	l.Add("x", diag.Span{File: "e.yaml", Start: diag.Pos{Line: 9, Col: 9}}, "other file")
	l.Add("whole", diag.Span{File: "f.yaml"}, "the file")
	l.Sort()
	var got []string
	for _, d := range l {
		got = append(got, d.Code+" "+d.Error())
	}
	require.Equal(t, []string{
		"x e.yaml:9:9: other file",
		"whole f.yaml: the file",
		"c f.yaml:1:2: another error",
		"c f.yaml:1:2: error",
		"z f.yaml:1:2: error",
		"w f.yaml:1:2: warning",
		"a f.yaml:1:9: later column",
		"b f.yaml:2:1: second line",
	}, got)
}

func TestErr(t *testing.T) {
	var l diag.List
	require.NoError(t, l.Err())
	l.Add("w", at(1, 1), "only a warning").AsWarning()
	require.False(t, l.HasErrors())
	require.NoError(t, l.Err())

	l.Add("e", at(2, 3), "a problem")
	require.True(t, l.HasErrors())
	require.EqualError(t, l.Err(), "f.yaml:2:3: a problem")
	l.Add("e", at(3, 3), "another")
	l.Add("w", at(4, 3), "another warning").AsWarning()
	l.Add("e", at(5, 3), "a third")
	require.EqualError(t, l.Err(), "f.yaml:2:3: a problem (and 2 more)")

	var problems diag.Errors
	require.True(t, errors.As(l.Err(), &problems))
	require.Len(t, problems, 5)
	require.Equal(t, "no problems", diag.Errors{}.Error())
}
