package archtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// anyOfOurs stands for "may import every package of ours".
const anyOfOurs = "*"

// allowed says which packages of ours each package may import. The arrows go
// one way: from the commands, over the engine, to the leaves.
var allowed = map[string][]string{
	"cmd/flowrunner": {"internal/cli", "internal/heap"},
	"internal/cli":   {anyOfOurs},
	"internal/ui":    {"engine", "engine/diag", "engine/step", "engine/planfile", "engine/ledger", "engine/history", "internal/junit"},

	"engine": {
		"engine/diag", "engine/flow", "engine/lang", "engine/step", "engine/guard", "engine/ledger", "engine/planfile",
	},
	"engine/diag":          {},
	"engine/step":          {"engine/diag"},
	"engine/flow":          {"engine/diag"},
	"engine/phone":         {},
	"engine/lang":          {"engine/diag", "engine/flow", "engine/phone", "engine/step"},
	"engine/guard":         {"engine/diag", "engine/step"},
	"engine/ledger":        {"engine/diag", "engine/step"},
	"engine/ledger/sqlite": {"engine/diag", "engine/step", "engine/ledger"},
	"engine/planfile":      {"engine/diag", "engine/step", "engine/ledger", "internal/spill"},
	"engine/history":       {"engine/ledger", "engine/planfile"},
	"engine/schema":        {"engine/flow", "engine/step"},

	"steps":             {"engine/step", "chat2desk", "internal/spill"},
	"chat2desk":         {},
	"chat2desk/sandbox": {"chat2desk"},

	"internal/scaffold": {"examples"},
	"examples":          {},

	"internal/archtest": {},
	"internal/golden":   {},
	"internal/folder":   {},
	"internal/heap":     {},
	"internal/junit":    {},
	"internal/spill":    {},

	"internal/bench":          {"chat2desk/sandbox"},
	"internal/bench/loop":     {},
	"internal/bench/profiled": {"internal/cli", "internal/heap"},
	"internal/torture":        {"chat2desk/sandbox", "engine/ledger", "engine/ledger/sqlite", "engine/planfile", "internal/folder"},
	"internal/flowtest": {
		"engine", "engine/diag", "engine/flow", "engine/step", "engine/planfile", "engine/ledger", "engine/ledger/sqlite", "chat2desk/sandbox", "internal/folder", "internal/junit",
	},
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	known := map[string]bool{}
	for _, s := range code(t) {
		may, ok := allowed[s.pkg]
		require.True(t, ok, "%s: the package has no rule; say in this test what it may import", s.path)
		known[s.pkg] = true
		if slices.Contains(may, anyOfOurs) {
			continue
		}
		for _, p := range s.imports() {
			ours, ok := strings.CutPrefix(p, module+"/")
			if ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s; %s may import %s", s.path, ours, s.pkg, orNothing(may))
			}
		}
	}
	for pkg := range allowed {
		require.True(t, known[pkg], "there is no package %s any more; delete its rule", pkg)
	}
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing of ours"
	}
	return strings.Join(list, ", ")
}

// TestNobodyImportsCommands lets only main, and tests of the whole program from
// outside, use the commands.
func TestNobodyImportsCommands(t *testing.T) {
	for _, s := range sources(t) {
		fromOutside := s.test && (s.pkg == "examples" || s.pkg == "docs")
		isMain := s.pkg == "cmd/flowrunner" || s.pkg == "internal/bench/profiled"
		if isMain || s.pkg == "internal/cli" || fromOutside {
			continue
		}
		require.NotContains(t, s.imports(), module+"/internal/cli", "%s", s.path)
	}
}

// homes says where each library may be used. A library in one place can be
// replaced in one place.
var homes = map[string][]string{
	"gopkg.in/yaml.v3":                     {"engine/flow"},
	"github.com/goccy/go-yaml":             {"engine/flow"},
	"github.com/expr-lang/expr":            {"engine/lang"},
	"github.com/rivo/uniseg":               {"engine/lang", "internal/ui"},
	"github.com/clipperhouse/displaywidth": {"engine/diag", "internal/ui"},
	"modernc.org/sqlite":                   {"engine/ledger/sqlite"},
	"github.com/gofrs/flock":               {"engine/ledger"},
	"golang.org/x/time":                    {"chat2desk"},
	"github.com/lanrat/extsort":            {"internal/spill"},

	// Where the vendor's answers are read (docs/adr/0013), and plans and events written.
	"github.com/go-json-experiment/json": {"chat2desk", "engine", "engine/planfile"},

	"golang.org/x/text/encoding":      {"steps"},
	"golang.org/x/text/transform":     {"steps"},
	"golang.org/x/text/unicode/norm":  {"engine/guard", "steps"},
	"github.com/spf13/cobra":          {"internal/cli"},
	"github.com/spf13/pflag":          {"internal/cli"},
	"golang.org/x/term":               {"internal/cli", "internal/ui"},
	"github.com/vbauerster/mpb/v8":    {"internal/cli", "internal/ui"},
	"github.com/cenkalti/backoff/v5":  {"chat2desk", "engine"},
	"github.com/adhocore/gronx":       {"engine"},
	"github.com/rogpeppe/go-internal": {"internal/cli"},
	"github.com/stretchr/testify":     {"internal/golden"}, // which only tests import
}

// testLibraries may be used by any test and by nothing else.
var testLibraries = []string{
	"github.com/stretchr/testify", "github.com/rogpeppe/go-internal", "github.com/santhosh-tekuri/jsonschema/v6",
	"github.com/nyaruka/phonenumbers", // its tables are ours, and its answers must be; see docs/adr/0021
}

func TestLibrariesAreUsedAtHome(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range s.imports() {
			first, _, _ := strings.Cut(p, "/")
			if !strings.Contains(first, ".") || p == module || strings.HasPrefix(p, module+"/") {
				continue
			}
			if s.test && slices.ContainsFunc(testLibraries, func(lib string) bool { return within(p, lib) }) {
				continue
			}
			home, ok := homeOf(p)
			if !ok {
				t.Errorf("%s imports %s, which has no home; add it to this test with the one package that may use it", s.path, p)
			} else if !slices.Contains(home, s.pkg) {
				t.Errorf("%s imports %s, which may be used only in %s", s.path, p, strings.Join(home, ", "))
			}
		}
	}
}

func homeOf(path string) ([]string, bool) {
	for lib, home := range homes {
		if within(path, lib) {
			return home, true
		}
	}
	return nil, false
}

func within(path, lib string) bool { return path == lib || strings.HasPrefix(path, lib+"/") }
