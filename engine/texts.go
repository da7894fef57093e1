package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// maxTexts is how many bytes all texts of one flow may have: a plan holds them in
// its first record.
const maxTexts = 1 << 20

// texts are the texts and the flows beside a flow that its compilation has read.
// Their paths begin at its folder.
type texts struct {
	folder string // of the flow, as the user named it
	files  Files
	read   map[string]*textFile
	flows  map[string]*calledFile
	size   int // of all that was read, in bytes
	steps  int // of the flows, each as often as it is used
}

// textFile is one of them, read once.
type textFile struct {
	name     string // for problems: beside the flow as the user named it
	text     []byte
	node     *flow.Node
	problems diag.List
	used     bool // the flow reads it, and does not only mention it in a comment
}

// open reads the text that file() names in a flow of the folder dir.
func (t *texts) open(dir, name string, at diag.Span) (*flow.Node, diag.List) {
	f, problems := t.find(dir, name, at)
	if f == nil {
		return nil, problems
	}
	f.used = true
	return f.node, f.problems
}

func (t *texts) find(dir, name string, at diag.Span) (*textFile, diag.List) {
	var problems diag.List
	clean := path.Clean(name)
	switch {
	case strings.TrimSpace(name) == "" || strings.Contains(name, `\`) || path.IsAbs(name) || !filepath.IsLocal(filepath.FromSlash(name)) || clean == ".":
		problems.Add("text-file", at, "%q is no path below the flow's folder", name).
			WithDetail("A text is read from the flow's own folder or a folder in it; its path has slashes and begins there.").
			WithHint(`move the text there, and write for instance file("texts/offer.txt")`)
		return nil, problems
	case t.files == nil:
		problems.Add("text-file", at, "the text %s is not at hand here", clean).
			WithDetail("The flow was given as a text alone, without the folder that it stands in.").
			WithHint("check the flow as a file, or write the text into it")
		return nil, problems
	}
	clean = path.Join(dir, clean)
	f := t.read[clean]
	if f == nil {
		text, err := t.files(clean)
		if err != nil {
			problems.Add("text-file", at, "the text %s cannot be read: %s", path.Clean(name), fileReason(err)).
				WithDetail("Paths begin at the folder of the flow.").WithHint("%s", nearFile(name, err, "write the path of a text there"))
			return nil, problems
		}
		if !t.fits(text) {
			problems.Add("text-file", at, "the texts beside the flow are too large").
				WithDetail("Together they may have 1 MiB (%d bytes), since each plan holds them.", maxTexts).WithHint("split the flow, or shorten the texts")
			return nil, problems
		}
		f = &textFile{name: filepath.Join(t.folder, filepath.FromSlash(clean)), text: text}
		f.node, f.problems = flow.TextFile(f.name, text)
		t.read[clean] = f
	}
	return f, nil
}

// fits counts a text that was read.
func (t *texts) fits(text []byte) bool {
	t.size += len(text)
	return t.size <= maxTexts
}

// all gives the texts by path; nil when there are none.
func (t *texts) all() map[string]string {
	var all map[string]string
	add := func(name string, text []byte) {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = string(text)
	}
	for name, f := range t.read {
		if f.used {
			add(name, f.text)
		}
	}
	for name, f := range t.flows {
		add(name, f.doc.Source)
	}
	return all
}

// hash covers the flow and its texts. That of a flow without any is its own.
func (t *texts) hash(flow string) string {
	all := t.all()
	if all == nil {
		return flow
	}
	h := sha256.New()
	fmt.Fprintln(h, flow)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(h, "%q %x\n", name, sha256.Sum256([]byte(all[name])))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// source is the text of a file by the name that problems give it.
func (t *texts) source(name string) []byte {
	for _, f := range t.read {
		if f.name == name {
			return f.text
		}
	}
	return nil
}

// sources are all texts read so far.
func (t *texts) sources() [][]byte {
	var all [][]byte
	for _, f := range t.read {
		all = append(all, f.text)
	}
	return all
}

var fileRef = regexp.MustCompile(`\bfile\(\s*["']([^"'\\]+)["']\s*\)`)

// named are the texts that a piece of the flow names, as far as they can be
// read: problems are for open to report.
func (t *texts) named(dir string, src []byte) [][]byte {
	var all [][]byte
	for _, m := range fileRef.FindAllSubmatch(src, -1) {
		if f, _ := t.find(dir, string(m[1]), diag.Span{}); f != nil {
			all = append(all, f.text)
		}
	}
	return all
}
