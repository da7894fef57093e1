package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's directory, from here.
const root = "../.."

const module = "github.com/flowrunner/flowrunner"

// source is one parsed Go file.
type source struct {
	path string // from root, with slashes
	pkg  string // its package's directory from root, "" for root itself
	test bool
	file *ast.File
	fset *token.FileSet
}

// at names a place of the file for messages.
func (s source) at(pos token.Pos) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(pos).Line)
}

// imports lists the import paths of the file.
func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(fset, file, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		pkg := path.Dir(rel)
		if pkg == "." {
			pkg = ""
		}
		all = append(all, source{path: rel, pkg: pkg, test: strings.HasSuffix(name, "_test.go"), file: parsed, fset: fset})
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(all), 100, "the tree was not found")
	return all
}

// code are the sources that are no tests.
func code(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, s := range sources(t) {
		if !s.test {
			all = append(all, s)
		}
	}
	return all
}
