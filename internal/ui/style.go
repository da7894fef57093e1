package ui

// Style is how a stream looks. The zero Style colours nothing and breaks no line of
// a problem, which is what files and other programs get.
type Style struct {
	Color   bool
	Columns int // of the terminal; 0 when there is none
}

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// plain is for what is only read.
func plain(text string) string { return text }

// Bold is for headings and counts.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Dim is for what may be skipped.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Good is for what went as wanted.
func (s Style) Good(text string) string { return s.paint("32", text) }

// Warn is for what deserves a look.
func (s Style) Warn(text string) string { return s.paint("33", text) }

// Bad is for what failed.
func (s Style) Bad(text string) string { return s.paint("31", text) }
