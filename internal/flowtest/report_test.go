package flowtest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/flowtest"
)

const branches = `flow: branches
inputs: { on: { type: boolean, default: true } }
steps:
  - id: rows
    if: inputs.on
    else: switched off
    uses: read_csv
    with: { path: in.csv, columns: { n: integer } }
  - id: big
    uses: filter
    with: { items: "${{ steps.rows.outputs.rows }}", where: "(item.n ?? 0) > 1", else: too small }
  - id: never
    if: inputs.on and 1 > 2
    uses: set
    with: { a: 1 }
  - id: each
    forEach: ${{ steps.big.outputs.items }}
    uses: set
    with: { a: "${{ item.n }}" }
finally:
  - id: say
    uses: print
    with: { message: done }
`

func suiteOf(t *testing.T, cases string) *flowtest.Suite {
	t.Helper()
	s, err := load(t, map[string]string{"a.yaml": branches, "in.csv": "n\n2\n", "a_test.yaml": "flow: a.yaml\ncases:" + cases})
	require.NoError(t, err)
	list, _ := s.FlowProblems()
	require.Empty(t, list)
	return s
}

func TestCoverage(t *testing.T) {
	first := suiteOf(t, "\n  - { name: on, expect: { counts: { planned: 0 } } }")
	second := suiteOf(t, "\n  - { name: off, inputs: { on: false }, expect: { leftOut: [] } }\n  - { name: small, files: { in.csv: \"n\\n1\\n2\\n\" }, apply: true, expect: { leftOut: [{ step: big, count: 1 }] } }")
	one, err := first.Run(t.Context(), options())
	require.NoError(t, err)
	two, err := second.Run(t.Context(), options())
	require.NoError(t, err)
	require.Zero(t, one.Failed()+two.Failed(), "%+v", two.Cases)

	flow := regexp.MustCompile(`^.*a\.yaml`)
	missing := func(c *flowtest.Coverage) (out []string) {
		for _, line := range c.Missing() {
			out = append(out, flow.ReplaceAllString(line, ""))
		}
		return out
	}
	require.Equal(t, []string{
		":4: rows has an `if` that is never false", ":9: big never leaves anything out", ":12: never never runs", ":21: say never runs",
	}, missing(one.Coverage))
	require.Equal(t, []string{":12: never never runs"}, missing(two.Coverage))
	one.Coverage.Merge(two.Coverage)
	require.Equal(t, []string{":12: never never runs"}, missing(one.Coverage))
	ran, steps, taken, all := one.Coverage.Share()
	require.Equal(t, []int{4, 5, 4, 5}, []int{ran, steps, taken, all})
	empty := &flowtest.Coverage{}
	empty.Merge(one.Coverage)
	require.Equal(t, one.Coverage.Steps, empty.Steps)
}

func TestReports(t *testing.T) {
	s := suiteOf(t, "\n  - { name: good, expect: { counts: { planned: 0 } } }\n  - { name: \"bad <&>\", expect: { counts: { planned: 1 }, sends: [{ contact: 3 }] } }\n  - { name: good too, expect: { sends: [] } }")
	o := options()
	o.Match = regexp.MustCompile("^(good|bad <&>)$")
	res, err := s.Run(t.Context(), o)
	require.NoError(t, err)
	r := flowtest.ReportOf([]*flowtest.Result{res, res}, true)
	require.Equal(t, []any{false, 2, 2, 2}, []any{r.OK, r.Passed, r.Failed, len(r.Suites)})
	require.Len(t, r.Coverage, 1, "a flow is covered once")
	require.Equal(t, []flowtest.FailureReport{
		{Line: 4, Summary: "sends: contact 3 gets no message"}, {Line: 4, Summary: "counts: expected 1 planned, got 0"},
	}, r.Suites[0].Cases[1].Failures)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"step":"rows"`)

	var first, second bytes.Buffer
	require.NoError(t, r.JUnit(&first))
	require.NoError(t, r.JUnit(&second))
	require.Equal(t, first.String(), second.String())
	var doc struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(first.Bytes(), &doc))
	require.Equal(t, []int{4, 2}, []int{doc.Tests, doc.Failures})
	require.Equal(t, "bad <&>", doc.Suites[0].Cases[1].Name)
	require.Equal(t, "sends: contact 3 gets no message", doc.Suites[0].Cases[1].Failure.Message)
	require.Nil(t, doc.Suites[0].Cases[0].Failure)
}

func TestFlowWithErrors(t *testing.T) {
	files := map[string]string{"a.yaml": "flow: a\nsteps:\n  - id: a\n    uses: fliter\n"}
	files["a_test.yaml"] = "flow: a.yaml\ncases:\n  - { name: known, expect: { diagnostics: [unknown-kind] } }\n"
	s, err := load(t, files)
	require.NoError(t, err)
	list, _ := s.FlowProblems()
	require.Empty(t, list)
	require.Equal(t, map[string][]string{"known": nil}, run(t, s, options()))

	files["a_test.yaml"] = "flow: a.yaml\ncases:\n  - { name: known, expect: { diagnostics: [unused-step] } }\n  - { name: more, expect: { diagnostics: [] } }\n"
	s, err = load(t, files)
	require.NoError(t, err)
	got := run(t, s, options())
	require.Contains(t, got["known"][0], `diagnostics: validate does not report unused-step`)
	require.Contains(t, got["known"][0], `4:11: unknown kind "fliter" [unknown-kind]`)
	require.Contains(t, got["more"][0], "diagnostics: validate reports more than is expected")

	files["a_test.yaml"] = "flow: a.yaml\ncases:\n  - { name: any, expect: { sends: [] } }\n"
	s, err = load(t, files)
	require.NoError(t, err)
	list, source := s.FlowProblems()
	require.Len(t, list, 1)
	require.Equal(t, files["a.yaml"], string(source))
}
