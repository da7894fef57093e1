package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Options is what a run needs of the world around it. The zero value of a field
// is its default.
type Options struct {
	Inputs   map[string]any // from BindInputs
	Campaign string         // --campaign; wins over the flow's
	Orphans  bool           // --accept-orphans: sends of steps that the flow no longer has stop no plan
	Slot     *time.Time     // --slot: the slot of the schedule that a new run serves; nil is the latest one
	BaseURL  string         // --base-url; wins over the flow's
	Rate     *float64       // --rate in calls a second; wins over the flow's
	Sandbox  *Sandbox       // nil: the real API

	Samples    int          // how many complete texts of each sending step the summary of a plan shows
	StateDir   string       // holds runs/; made when missing
	ProjectDir string       // where the files of the project's rails are
	FlowDir    string       // every file that steps touch is below it
	Store      ledger.Store // the ledger; never nil
	Links      *Links       // nil: those of this plan or apply alone

	LookupEnv func(string) (string, bool)
	OnSecret  func(string)                          // told of each secret before it is used, for redaction
	Account   func(context.Context) (string, error) // the company's id over the connection of ctx's Host; "" when the API tells none
	Only      []int                                 // --only: nobody but these contacts; empty is everybody
	// CallsThisMonth is how many calls the company of ctx's Host has made this month;
	// nil where nobody tells.
	CallsThisMonth func(context.Context) (*int, error)
	People         People // what the rails must know of clients; nil knows no more than the flow's records
	// MessageStatus is what became of a message that was accepted, over the connection
	// of ctx's Host, in the API's own word; nil never tells.
	MessageStatus func(ctx context.Context, message int) (string, error)
	// Gate waits until the connection of ctx's Host may make one more call, and
	// gives the context to make it in; nil is no wait.
	Gate   func(context.Context) (context.Context, error)
	Stdout io.Writer        // where print writes
	Events func(Event)      // progress; called from many goroutines, one at a time
	Now    func() time.Time // the clock
	// Sleep waits, and ends early with the context's cause; nil is a timer. It goes
	// with a clock of one's own.
	Sleep  func(context.Context, time.Duration) error
	Settle *time.Duration // --settle; wins over the flow's and the plan's

	// For tests of flows.
	Run   string                                      // the id of a new run; "" makes one
	Mock  func(Reading) (map[string]any, bool, error) // answers a read in place of its kind; false lets the kind answer
	Visit func(Visit)                                 // told of each decision of planning; called from many goroutines, one at a time
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
	slot *time.Time // of the schedule; nil without one
	dir  string     // runs/<id>
	root *frame

	links *Links
	own   bool  // nobody else uses the links
	made  int64 // calls that they had made when this session began

	mu          sync.Mutex
	connections map[*Step]step.Connection
	accounts    map[*Step]string
	eventMu     sync.Mutex
	hidden      hidden
	hours       openings
	focus       *focus // what an Explore looks at; nil in a run
}

// clock is the time of now.
func (o *Options) clock() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// sleep waits by Sleep, or by a timer.
func (o *Options) sleep(ctx context.Context, d time.Duration) error {
	if o.Sleep != nil {
		return o.Sleep(ctx, d)
	}
	return sleep(ctx, d)
}

func newSession(p *Program, o Options, run string, now time.Time) (*session, error) {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	s := &session{p: p, o: o, run: run, now: now.In(p.Zone), links: o.Links, connections: map[*Step]step.Connection{}, accounts: map[*Step]string{}, hours: openings{p: p}}
	if s.own = s.links == nil; s.own {
		s.links = NewLinks()
	}
	s.made = s.links.calls()
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
	if s.own {
		_ = s.links.Close() // nothing is written over them
	}
}

func (s *session) emit(e Event) {
	if s.o.Events == nil {
		return
	}
	e.At = s.o.clock()
	s.eventMu.Lock()
	defer s.eventMu.Unlock()
	s.o.Events(e)
}

// calls is how many API calls the session has made.
func (s *session) calls() int64 { return s.links.calls() - s.made }

// setInputs puts inputs and environment into the expression scope.
func (s *session) setInputs(inputs map[string]any, env map[string]string) error {
	s.root.env["inputs"] = inputs
	for i := range s.p.Inputs {
		if err := s.hideInput(&s.p.Inputs[i], inputs[s.p.Inputs[i].Name]); err != nil {
			return &InputError{[]string{err.Error()}}
		}
	}
	s.root.env["env"] = s.p.variables(env)
	return nil
}

// variables are the values of env in expressions: an empty one is nil.
func (p *Program) variables(env map[string]string) map[string]any {
	vars := map[string]any{}
	for _, name := range p.Env {
		if v, ok := env[name]; ok && v != "" {
			vars[name] = v
		} else {
			vars[name] = nil
		}
	}
	return vars
}

// environment reads the variables that the flow lists.
func (s *session) environment() (map[string]string, error) {
	out := map[string]string{}
	for _, name := range s.p.Env {
		v, ok := s.o.LookupEnv(name)
		if ok && !utf8.ValidString(v) {
			return nil, &InputError{[]string{fmt.Sprintf("the environment variable %s %s", name, errNotUTF8)}}
		}
		if ok {
			out[name] = v
		}
	}
	return out, nil
}

// hashOf is sumOf in hex.
func hashOf(v any) (string, error) {
	sum, _, err := sumOf(nil, v)
	return hex.EncodeToString(sum[:]), err
}

// sumOf is the SHA-256 of a value's canonical form: what encoding/json makes of it,
// with the letters of HTML escaped. Ledgers hold such sums, so the form is for good.
// The form is made in buf, which may be used again.
func sumOf(buf []byte, v any) (sum [32]byte, form []byte, err error) {
	b, err := planfile.Value{V: v}.Append(buf)
	if err != nil {
		return sum, b, err
	}
	if bytes.ContainsAny(b, "<>&") {
		var safe bytes.Buffer
		json.HTMLEscape(&safe, b)
		b = safe.Bytes()
	}
	return sha256.Sum256(b), b, nil
}
