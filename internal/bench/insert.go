package main

import (
	"fmt"
	"os"
	"strings"
)

// insert puts a table between its marks in a Markdown file, in the place of the one
// that was there.
func insert(path, name, text string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- bench:"+name+" -->\n", "<!-- /bench -->"
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the table: write %s and %s, each on a line of its own", path, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(before+begin+strings.TrimRight(text, "\n")+"\n"+end+after), 0o644)
}
