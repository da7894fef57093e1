package archtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/steps"
)

// languageServer is what VS Code, Neovim and others run for YAML. The version is
// pinned, so that a new one cannot fail an old commit.
const languageServer = "yaml-language-server@1.25.0"

// TestEditor writes flows in the real YAML language server, with nothing but the
// schema and the line at the top of a flow that names it. It is skipped only
// with -short and where there is no node, no npm or no way to the package.
func TestEditor(t *testing.T) {
	e := openEditor(t)

	t.Run("kinds are offered after uses", func(t *testing.T) {
		labels := e.complete(t, "flow: a\nsteps:\n  - id: x\n    uses: ▮\n")
		for _, kind := range steps.Registry().Names() {
			require.Contains(t, labels, kind)
		}
	})
	t.Run("parameters of the kind are offered", func(t *testing.T) {
		labels := e.complete(t, "flow: a\nsteps:\n  - id: x\n    uses: chat2desk_list_clients\n    with:\n      ▮\n")
		kind, _ := steps.Registry().Kind("chat2desk_list_clients")
		for _, p := range kind.Params() {
			require.Contains(t, labels, p.Name)
		}
		require.NotContains(t, labels, "where")
	})
	t.Run("words of a parameter are offered", func(t *testing.T) {
		labels := e.complete(t, "flow: a\nsteps:\n  - id: x\n    uses: sort\n    with:\n      order: ▮\n")
		require.Subset(t, labels, []string{"asc", "desc"})
	})
	t.Run("keys of a step are offered", func(t *testing.T) {
		labels := e.complete(t, "flow: a\nsteps:\n  - id: x\n    uses: print\n    ▮\n")
		require.Subset(t, labels, []string{"with", "if", "forEach", "onError"})
	})
	t.Run("hover explains a parameter", func(t *testing.T) {
		kind, _ := steps.Registry().Kind("chat2desk_list_clients")
		i := slices.IndexFunc(kind.Params(), func(f step.Field) bool { return f.Name == "limit" })
		text := e.hover(t, "flow: a\nsteps:\n  - id: x\n    uses: chat2desk_list_clients\n    with:\n      li▮mit: 5\n")
		require.Contains(t, text, kind.Params()[i].Doc)
	})
	t.Run("hover explains a key and a kind", func(t *testing.T) {
		require.Contains(t, e.hover(t, "flow: a\nsteps:\n  - id: x\n    uses: print\n    on▮Error: stop\n"), "Whether a failure stops the run or is passed over.")
		kind, _ := steps.Registry().Kind("print")
		require.Contains(t, e.hover(t, "flow: a\nsteps:\n  - id: x\n    uses: pr▮int\n    with: { message: Hello }\n"), kind.Summary)
	})
	t.Run("keys of a guard are offered and explained", func(t *testing.T) {
		labels := e.complete(t, "flow: a\nguard:\n  ▮\nsteps:\n  - id: x\n    uses: print\n")
		require.Subset(t, labels, []string{"maxSends", "perContact", "suppress", "window", "hours", "stopIf"})
		require.NotEmpty(t, e.hover(t, "flow: a\nguard:\n  sup▮press: { tags: [17] }\nsteps:\n  - id: x\n    uses: print\n"))
		labels = e.complete(t, "flow: a\ndelivery:\n  unknown: ▮\nsteps:\n  - id: x\n    uses: print\n")
		require.Subset(t, labels, []string{"verify", "never-resend", "resend"})
	})
	t.Run("a flow is used like a kind", func(t *testing.T) {
		require.Empty(t, e.problems(t, "flow: a\nsteps:\n  - id: x\n    uses: ./lib/greet.yaml\n    with: { anything: here, more: 5 }\n"))
	})
	t.Run("mistakes are flagged where they stand", func(t *testing.T) {
		for text, at := range map[string]int{
			"flow: a\nstpes: []\nsteps:\n  - id: x\n    uses: print\n    with: { message: Hi }\n":                          1,
			"flow: a\nsteps:\n  - id: x\n    uses: chat2desk_list_clients\n    with:\n      limit: 5\n      limits: 5\n":   6,
			"flow: a\nsteps:\n  - id: x\n    uses: prnt\n    with: { message: Hi }\n":                                      3,
			"flow: a\nguard: { maxSends: 5, perContakt: 1 per 7d }\nsteps:\n  - id: x\n    uses: ./greet.yaml\n":           1,
			"flow: a\nsteps:\n  - id: x\n    uses: ./greet\n":                                                              3,
			"flow: a\nsteps:\n  - id: x\n    uses: sort\n    with:\n      items: ${{ y }}\n      by: z\n      order: up\n": 7,
		} {
			problems := e.problems(t, text)
			require.NotEmpty(t, problems, "%s", text)
			require.True(t, slices.ContainsFunc(problems, func(d editorProblem) bool { return d.Range.Start.Line == at+1 }), "%s\n%+v", text, problems)
		}
	})
	t.Run("good flows are not", func(t *testing.T) {
		for _, file := range goodFlows(t) {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			if text := string(source); !strings.Contains(text, "$schema=") && !strings.Contains(text, "---") {
				require.Empty(t, e.problems(t, text), "%s", file)
			}
		}
		examples, err := filepath.Glob(filepath.Join(root, "examples", "*.yaml"))
		require.NoError(t, err)
		for _, file := range examples {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			if text := string(source); strings.Contains(text, "# yaml-language-server: $schema=../schema.json") {
				require.Empty(t, e.problems(t, strings.Replace(text, "$schema=../schema.json", "$schema=schema.json", 1)), "%s", file)
			}
		}
	})
}

// editor is a language server and this end of it.
type editor struct {
	dir    string
	in     io.Writer
	out    chan map[string]json.RawMessage
	nextID int
	files  int
}

// editorProblem is what an editor underlines.
type editorProblem struct {
	Message string
	Range   struct{ Start struct{ Line, Character int } }
}

// editorPatience is how long an answer may take.
const editorPatience = 20 * time.Second

func openEditor(t *testing.T) *editor {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: the language server is not run with -short")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: there is no node on this machine")
	}
	program := installServer(t)
	dir := t.TempDir()
	schema, err := os.ReadFile(filepath.Join(root, "schema.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "schema.json"), schema, 0o644))

	cmd := exec.Command(node, program, "--stdio")
	cmd.Dir = dir
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
	})
	e := &editor{dir: dir, in: in, out: make(chan map[string]json.RawMessage, 64)}
	go e.listen(out)
	e.call(t, "initialize", map[string]any{
		"processId": os.Getpid(), "rootUri": e.uri(""),
		"capabilities": map[string]any{
			"textDocument": map[string]any{
				"completion":         map[string]any{"completionItem": map[string]any{"documentationFormat": []string{"markdown"}}},
				"hover":              map[string]any{"contentFormat": []string{"markdown"}},
				"publishDiagnostics": map[string]any{},
			},
			"workspace": map[string]any{"configuration": true},
		},
	})
	e.notify(t, "initialized", map[string]any{})
	return e
}

// installServer puts the server into the user's cache, once for each version.
func installServer(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("skipped: there is no npm on this machine")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "flowrunner-tests", strings.ReplaceAll(languageServer, "@", "-"))
	program := filepath.Join(dir, "node_modules", "yaml-language-server", "bin", "yaml-language-server")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o755))
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "installing-*")
	require.NoError(t, err)
	defer os.RemoveAll(fresh)
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000", languageServer)
	install.Dir = fresh
	install.WaitDelay = time.Second
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("skipped: %s cannot be installed here: %v\n%s", languageServer, err, out)
	}
	if err := os.Rename(fresh, dir); err != nil { // another test was quicker
		_, err = os.Stat(program)
		require.NoError(t, err)
	}
	return program
}

func (e *editor) uri(file string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.dir, file))}).String()
}

// listen passes on what the server says.
func (e *editor) listen(out io.Reader) {
	defer close(e.out)
	r := textproto.NewReader(bufio.NewReader(out))
	for {
		header, err := r.ReadMIMEHeader()
		if err != nil {
			return
		}
		n, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r.R, body); err != nil {
			return
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(body, &m) == nil {
			e.out <- m
		}
	}
}

func (e *editor) send(t *testing.T, m map[string]any) {
	t.Helper()
	m["jsonrpc"] = "2.0"
	body, err := json.Marshal(m)
	require.NoError(t, err)
	_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(t, err)
}

func (e *editor) notify(t *testing.T, method string, params any) {
	t.Helper()
	e.send(t, map[string]any{"method": method, "params": params})
}

// next is the next message that wanted accepts. What the server asks meanwhile
// is answered: its settings keep it from looking for schemas on the network.
func (e *editor) next(t *testing.T, wanted func(map[string]json.RawMessage) bool) map[string]json.RawMessage {
	t.Helper()
	late := time.After(editorPatience)
	for {
		select {
		case m, ok := <-e.out:
			require.True(t, ok, "the language server has ended")
			if m["method"] != nil && m["id"] != nil {
				e.answer(t, m)
			} else if wanted(m) {
				return m
			}
		case <-late:
			require.FailNow(t, "the language server does not answer")
		}
	}
}

func (e *editor) answer(t *testing.T, m map[string]json.RawMessage) {
	t.Helper()
	var result any
	if string(m["method"]) == `"workspace/configuration"` {
		var params struct{ Items []struct{ Section string } }
		require.NoError(t, json.Unmarshal(m["params"], &params))
		list := make([]any, len(params.Items))
		for i, item := range params.Items {
			if list[i] = (map[string]any{}); item.Section == "yaml" {
				list[i] = map[string]any{
					"validate": true, "hover": true, "completion": true,
					"schemaStore": map[string]any{"enable": false}, "kubernetesCRDStore": map[string]any{"enable": false},
				}
			}
		}
		result = list
	}
	e.send(t, map[string]any{"id": m["id"], "result": result})
}

// call asks the server and waits for its answer.
func (e *editor) call(t *testing.T, method string, params any) json.RawMessage {
	t.Helper()
	e.nextID++
	id := strconv.Itoa(e.nextID)
	e.send(t, map[string]any{"id": e.nextID, "method": method, "params": params})
	m := e.next(t, func(m map[string]json.RawMessage) bool { return string(m["id"]) == id && m["method"] == nil })
	require.Empty(t, string(m["error"]), "%s", method)
	return m["result"]
}

// open opens a flow and returns its address and where its ▮ stood.
func (e *editor) open(t *testing.T, text string) (uri string, at map[string]any) {
	t.Helper()
	e.files++
	uri = e.uri(fmt.Sprintf("flow%d.yaml", e.files))
	if !strings.Contains(text, "# yaml-language-server:") {
		text = "# yaml-language-server: $schema=schema.json\n" + text
	}
	before, after, _ := strings.Cut(text, "▮")
	lines := strings.Split(before, "\n")
	at = map[string]any{"line": len(lines) - 1, "character": len(lines[len(lines)-1])}
	e.notify(t, "textDocument/didOpen", map[string]any{
		"textDocument": map[string]any{"uri": uri, "languageId": "yaml", "version": 1, "text": before + after},
	})
	return uri, at
}

func (e *editor) complete(t *testing.T, text string) []string {
	t.Helper()
	uri, at := e.open(t, text)
	var list struct{ Items []struct{ Label string } }
	require.NoError(t, json.Unmarshal(e.call(t, "textDocument/completion", map[string]any{
		"textDocument": map[string]any{"uri": uri}, "position": at,
	}), &list))
	var labels []string
	for _, item := range list.Items {
		labels = append(labels, item.Label)
	}
	return labels
}

func (e *editor) hover(t *testing.T, text string) string {
	t.Helper()
	uri, at := e.open(t, text)
	var found struct{ Contents struct{ Value string } }
	require.NoError(t, json.Unmarshal(e.call(t, "textDocument/hover", map[string]any{
		"textDocument": map[string]any{"uri": uri}, "position": at,
	}), &found))
	// The server escapes what Markdown would take for its own.
	return strings.NewReplacer(`\_`, "_", `\.`, ".", `\-`, "-", "&nbsp;", " ").Replace(found.Contents.Value)
}

// problems are what the server underlines in a flow.
func (e *editor) problems(t *testing.T, text string) []editorProblem {
	t.Helper()
	uri, _ := e.open(t, text)
	var params struct {
		URI         string
		Diagnostics []editorProblem
	}
	e.next(t, func(m map[string]json.RawMessage) bool {
		if string(m["method"]) != `"textDocument/publishDiagnostics"` {
			return false
		}
		require.NoError(t, json.Unmarshal(m["params"], &params))
		return params.URI == uri
	})
	return params.Diagnostics
}
