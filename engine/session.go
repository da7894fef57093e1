package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Options is what a run needs of the world around it. The zero value of a field
// is its default.
type Options struct {
	Inputs   map[string]any // from BindInputs
	Campaign string         // --campaign; wins over the flow's
	BaseURL  string         // --base-url; wins over the flow's
	Rate     *float64       // --rate in calls a second; wins over the flow's
	Sandbox  *Sandbox       // nil: the real API

	StateDir string       // holds runs/; made when missing
	FlowDir  string       // every file that steps touch is below it
	Store    ledger.Store // the ledger; never nil

	LookupEnv func(string) (string, bool)
	OnSecret  func(string)                          // told of each secret before it is used, for redaction
	Account   func(context.Context) (string, error) // the company's id over the connection of ctx's Host; "" when the API tells none
	// Gate waits until the connection of ctx's Host may make one more call, and
	// gives the context to make it in; nil is no wait.
	Gate     func(context.Context) (context.Context, error)
	Stdout   io.Writer        // where print writes
	Events   func(Event)      // progress; called from many goroutines, one at a time
	Now      func() time.Time // the clock
	MaxSends *int             // the project's or the command's cap; the tighter one holds
}

// Sandbox replaces every connection of a flow by the fake API.
type Sandbox struct {
	BaseURL string
	Token   string
}

// session is one run's life, shared by planning and applying.
type session struct {
	p    *Program
	o    Options
	run  string
	now  time.Time
	dir  string // runs/<id>
	root *frame

	mu       sync.Mutex
	shared   map[any]*sharedValue
	accounts map[string]string
	eventMu  sync.Mutex
}

type sharedValue struct {
	once  sync.Once
	value any
	err   error
}

func newSession(p *Program, o Options, run string, now time.Time) (*session, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	s := &session{p: p, o: o, run: run, now: now.In(p.Zone), shared: map[any]*sharedValue{}, accounts: map[string]string{}}
	s.dir = RunDir(o.StateDir, run)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	s.root = newFrame()
	s.root.env["run"] = map[string]any{"id": run, "now": s.now}
	return s, nil
}

// RunDir is the folder of one run below a state folder.
func RunDir(state, run string) string { return filepath.Join(state, "runs", run) }

// NewRunID makes a run id: the moment, to be sorted and read, and enough chance
// that two are never equal.
func NewRunID(now time.Time) string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102-150405") + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.shared {
		if c, ok := v.value.(io.Closer); ok {
			_ = c.Close()
		}
	}
}

func (s *session) emit(e Event) {
	if s.o.Events == nil {
		return
	}
	e.At = s.o.Now()
	s.eventMu.Lock()
	defer s.eventMu.Unlock()
	s.o.Events(e)
}

// calls sums the API calls that the run's clients have made.
func (s *session) calls() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, v := range s.shared {
		if c, ok := v.value.(interface{ Calls() int64 }); ok {
			n += c.Calls()
		}
	}
	return n
}

// setInputs puts inputs and environment into the expression scope.
func (s *session) setInputs(inputs map[string]any, env map[string]string) {
	s.root.env["inputs"] = inputs
	vars := map[string]any{}
	for _, name := range s.p.Env {
		if v, ok := env[name]; ok && v != "" {
			vars[name] = v
		} else {
			vars[name] = nil
		}
	}
	s.root.env["env"] = vars
}

// environment reads the variables that the flow lists.
func (s *session) environment() map[string]string {
	out := map[string]string{}
	for _, name := range s.p.Env {
		if v, ok := s.o.LookupEnv(name); ok {
			out[name] = v
		}
	}
	return out
}

// SecretError is a secret that is not there. Commands exit with 4.
type SecretError struct {
	Name   string
	Reason string
}

// Error says which one, and where it may come from.
func (e *SecretError) Error() string {
	return fmt.Sprintf("the secret %s %s; set the environment variable %s, or %s_FILE to a file that holds it",
		e.Name, e.Reason, e.Name, e.Name)
}

// tokenVariable is where the token comes from when the flow names none.
const tokenVariable = "CHAT2DESK_API_TOKEN"

// secret reads a secret from the environment, or from the file that NAME_FILE
// names.
func (s *session) secret(name string) (step.Secret, error) {
	v, ok := s.o.LookupEnv(name)
	if !ok || v == "" {
		path, fromFile := s.o.LookupEnv(name + "_FILE")
		if !fromFile || path == "" {
			return step.Secret{}, &SecretError{name, "is not set"}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return step.Secret{}, &SecretError{name, fmt.Sprintf("cannot be read from the file of %s_FILE (%s)", name, pathReason(err))}
		}
		v = string(b)
	}
	if v = strings.TrimSpace(v); v == "" {
		return step.Secret{}, &SecretError{name, "is empty"}
	}
	if s.o.OnSecret != nil {
		s.o.OnSecret(v)
	}
	return step.NewSecret(v), nil
}

func pathReason(err error) string {
	var pe *os.PathError
	if ok := asError(err, &pe); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// connection settles the effective connection of a step.
func (s *session) connection(st *Step) (step.Connection, error) {
	c := s.p.Connection
	conn := step.Connection{Scheme: c.Scheme, Rate: c.Rate}
	if s.o.Rate != nil {
		conn.Rate = *s.o.Rate
	}
	if s.o.Sandbox != nil {
		conn.BaseURL, conn.Token, conn.Scheme = s.o.Sandbox.BaseURL, step.NewSecret(s.o.Sandbox.Token), "raw"
		if s.o.Rate == nil {
			conn.Rate = 0
		}
		return conn, nil
	}
	var err error
	switch {
	case s.o.BaseURL != "":
		conn.BaseURL = s.o.BaseURL
	case c.BaseURL != nil:
		if conn.BaseURL, err = s.textOf(c.BaseURL); err != nil {
			return conn, err
		}
	default:
		conn.BaseURL, _ = s.o.LookupEnv("CHAT2DESK_BASE_URL")
	}
	token := c.Token
	if st.Token != nil {
		token = st.Token
	}
	if token == nil {
		conn.Token, err = s.secret(tokenVariable)
		return conn, err
	}
	conn.Token, err = s.secretValue(token)
	return conn, err
}

// secretValue evaluates an apiToken.
func (s *session) secretValue(v *lang.Value) (step.Secret, error) {
	secrets := map[string]any{}
	for _, r := range v.Refs() {
		if r.Path[0] == "secrets" && len(r.Path) > 1 {
			sec, err := s.secret(r.Path[1])
			if err != nil {
				return sec, err
			}
			secrets[r.Path[1]] = sec
		}
	}
	env := map[string]any{}
	for k, x := range s.root.env {
		env[k] = x
	}
	env["secrets"] = secrets
	x, err := v.Eval(env)
	if err != nil {
		return step.Secret{}, err
	}
	sec, ok := x.(step.Secret)
	if !ok || sec.IsZero() {
		return sec, &SecretError{tokenVariable, "is empty"}
	}
	return sec, nil
}

func (s *session) textOf(v *lang.Value) (string, error) {
	x, err := v.Eval(s.root.env)
	if err != nil {
		return "", err
	}
	t, _ := x.(string)
	return t, nil
}

// account names the account behind a step's connection (language page,
// "Names"): the API's host and the company's id there.
func (s *session) account(ctx context.Context, st *Step) (string, error) {
	conn, err := s.connection(st)
	if err != nil {
		return "", err
	}
	key := conn.BaseURL + "\x00" + conn.Token.Reveal()
	s.mu.Lock()
	name, ok := s.accounts[key]
	s.mu.Unlock()
	if ok {
		return name, nil
	}
	id := ""
	if s.o.Account != nil {
		if id, err = s.o.Account(step.WithHost(ctx, &host{s: s, conn: conn})); err != nil {
			return "", &StepError{Step: st.ID, Doing: "asking which account the token belongs to", Span: st.Span, Err: err}
		}
	}
	switch {
	case id != "":
	case s.p.Connection.Account != "":
		id = s.p.Connection.Account
	default:
		id = "default"
	}
	name = s.accountHost(conn.BaseURL) + "/" + id
	s.mu.Lock()
	s.accounts[key] = name
	s.mu.Unlock()
	return name, nil
}

// defaultHost is the API's host when nothing names another.
const defaultHost = "api.chat2desk.com"

func (s *session) accountHost(base string) string {
	if s.o.Sandbox != nil {
		return "sandbox"
	}
	if base == "" {
		return defaultHost
	}
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		return strings.ToLower(u.Host)
	}
	return base
}

// hashOf is the hex SHA-256 of a value's canonical form.
func hashOf(v any) (string, error) {
	b, err := json.Marshal(planfile.Value{V: v})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// host lends a running step what it may use.
type host struct {
	s       *session
	conn    step.Connection
	leftOut func(reason string, n int)
	st      *Step
}

func (h *host) Connection() step.Connection { return h.conn }
func (h *host) Zone() *time.Location        { return h.s.p.Zone }
func (h *host) Now() time.Time              { return h.s.now }
func (h *host) Stdout() io.Writer           { return h.s.o.Stdout }

func (h *host) Retry() (step.Retry, bool) {
	if h.st == nil || h.st.Retry.Attempts == 0 {
		return step.Retry{}, false
	}
	return h.st.Retry, true
}

func (h *host) Shared(key any, make func() (any, error)) (any, error) {
	h.s.mu.Lock()
	v := h.s.shared[key]
	if v == nil {
		v = &sharedValue{}
		h.s.shared[key] = v
	}
	h.s.mu.Unlock()
	v.once.Do(func() {
		value, err := make()
		h.s.mu.Lock()
		v.value, v.err = value, err
		h.s.mu.Unlock()
	})
	return v.value, v.err
}

func (h *host) Root() (*os.Root, error) {
	root, err := os.OpenRoot(h.s.o.FlowDir)
	if err != nil {
		return nil, fmt.Errorf("open the flow's folder: %w", err)
	}
	return root, nil
}

func (h *host) LeaveOut(reason string, n int) {
	if h.leftOut != nil && n > 0 {
		h.leftOut(reason, n)
	}
}

func (h *host) Warn(format string, args ...any) {
	e := Event{Kind: EventWarning, Text: fmt.Sprintf(format, args...)}
	if h.st != nil {
		e.Step = h.st.ID
	}
	h.s.emit(e)
}
