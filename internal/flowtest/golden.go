package flowtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// golden is the file of a case's texts: in a folder beside the test file, named
// after both.
func (j *judge) golden() string {
	return filepath.Join(strings.TrimSuffix(j.suite.File, filepath.Ext(j.suite.File))+".golden", slug(j.c.Name)+".txt")
}

// texts compares every message with the golden file, or writes it.
func (j *judge) texts(got *outcome) error {
	path, text := j.golden(), goldenOf(got.out())
	want, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	same := err == nil && strings.ReplaceAll(string(want), "\r\n", "\n") == text
	line := j.c.expect.node.Get("texts").Span.Start.Line
	switch {
	case same:
		return nil
	case j.update:
		j.updated = path
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o644)
	case err != nil:
		j.fail(line, nil, "texts: there is no golden file %s yet; flowrunner test --update writes it", path)
	default:
		j.fail(line, difference(strings.TrimRight(string(want), "\n"), strings.TrimRight(text, "\n")),
			"texts: they are not those of %s; flowrunner test --update takes them over", path)
	}
	return nil
}

// goldenOf writes messages for review: one below the other, each with whom it is
// for.
func goldenOf(list []message) string {
	var b strings.Builder
	for i, m := range list {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "== %s to contact %d", m.step, m.contact)
		if m.key != fmt.Sprint(m.contact) {
			fmt.Fprintf(&b, " (%s)", escaped(m.key))
		}
		b.WriteString("\n")
		for line := range strings.SplitSeq(m.text, "\n") {
			b.WriteString(strings.TrimRight("  "+escaped(line), " ") + "\n")
		}
	}
	return b.String()
}
