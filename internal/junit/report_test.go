package junit_test

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/junit"
)

func TestReport(t *testing.T) {
	var b strings.Builder
	require.NoError(t, junit.Report{Name: "flowrunner test", Suites: []junit.Suite{
		{Name: "sale_test.yaml", Cases: []junit.Case{
			{Name: "all", Class: "sale_test", File: "sale_test.yaml", Line: 3},
			{Name: "none", Class: "sale_test", File: "sale_test.yaml", Line: 9, Failure: &junit.Failure{Message: `1 < 2 & "so on"`, Text: "line\n\x1b[31mred"}},
		}},
		{Name: "empty"},
		{Name: "lint", Cases: []junit.Case{{Name: "advice", Output: "rename it"}, {Name: "bad", Failure: &junit.Failure{Message: "no", Type: "bad-name"}}}},
	}}.Write(&b))
	require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="flowrunner test" tests="4" failures="2">
  <testsuite name="sale_test.yaml" tests="2" failures="1">
    <testcase name="all" classname="sale_test" file="sale_test.yaml" line="3"></testcase>
    <testcase name="none" classname="sale_test" file="sale_test.yaml" line="9">
      <failure message="1 &lt; 2 &amp; &#34;so on&#34;">line&#xA;�[31mred</failure>
    </testcase>
  </testsuite>
  <testsuite name="empty" tests="0" failures="0"></testsuite>
  <testsuite name="lint" tests="2" failures="1">
    <testcase name="advice" classname="" file="">
      <system-out>rename it</system-out>
    </testcase>
    <testcase name="bad" classname="" file="">
      <failure message="no" type="bad-name"></failure>
    </testcase>
  </testsuite>
</testsuites>
`, b.String())
	require.NoError(t, xml.Unmarshal([]byte(b.String()), new(struct{})))
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestWhatCannotBeWritten(t *testing.T) {
	require.EqualError(t, junit.Report{}.Write(full{}), "the disk is full")
}
