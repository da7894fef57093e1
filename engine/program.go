package engine

import (
	"errors"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Program is a compiled flow: every name resolved, every expression typed. It
// is immutable and shared by validate, plan and apply, so they cannot disagree.
type Program struct {
	Doc         *flow.Document
	Texts       map[string]string // the texts and flows beside the flow that it reads, by path; nil when it reads none
	Hash        string            // hex SHA-256 of the flow and of those
	Name        string
	Description string
	Campaign    string // as the flow says; "" is the default campaign
	Class       ledger.Class
	classAt     diag.Span // where the flow says so
	OncePer     string    // of the flow; "" is campaign
	Schedule    *Schedule // nil: the flow runs when somebody runs it
	Inputs      []Input
	Env         []string // environment names that expressions may read, those of called flows included
	Zone        *time.Location
	ZoneSet     bool
	Connection  Connection
	Guard       Guard
	project     []string // the rails of its project, as its file states them
	Delivery    Delivery
	Steps       []*Step // top level, in file order
	Finally     []*Step
	Outputs     []Output
	Stages      int // how many plans a run makes, at least 1
	Secrets     []string

	base   *lang.Scope
	hostOf step.HostFunc // of base URLs
	former []formerStep  // of `moved:`
	byID   map[string]*Step
	usage  map[streamRef]*usage
	wanted map[string]map[string][]string // step → stream → the fields that are read of its records; absent is all
}

// Connection is what the flow says of its connection.
type Connection struct {
	Token   *lang.Value // nil: the environment's CHAT2DESK_API_TOKEN
	BaseURL *lang.Value
	Scheme  string
	Rate    float64 // calls a second, 0 is unlimited
	RateSet bool
	Account string
}

// Step is one compiled step: a use of a kind or of another flow, a block, or a
// loop over any of them.
type Step struct {
	// ID is unique in the program. That of a step of a called flow begins with the
	// id of the calling step and a slash: greet/hello.
	ID    string
	Title string // `name:`
	Span  diag.Span

	Kind   *step.Kind  // nil for a block and for a called flow
	Called *Called     // of `uses: ./greet.yaml`
	Args   []Arg       // parameters of the kind, or inputs of the called flow
	Token  *lang.Value // the step's own apiToken
	Body   []*Step     // of a block, or the steps of the called flow

	If      *lang.Expr
	Else    *lang.Value // text
	ForEach *lang.Value
	As      string
	Key     *lang.Expr
	OncePer string
	Zone    *lang.Value // of a send: in whose time zone guard.hours are, where an expression says so
	Person  *lang.Value // of a send: who its contact is
	record  []string    // of a send: the path of its contact's record, nil where there is none
	planned any         // of a send: what it is in a frame once it is planned; the same for all, and only read

	Concurrency int
	Retry       step.Retry // zero where the flow does not say
	Timeout     time.Duration
	OnError     OnError

	Items []Output     // `outputs:` of a loop or block
	Outs  []step.Field // what steps.<id>.outputs has
	call  step.Call    // what is known of the arguments, for the running kind
	// secrets are arguments that are looked up when the kind runs and written
	// nowhere; only reads have them.
	secrets []Arg
	Stage   int // of a top-level step and all below it, from 0

	Loop     *Step   // the nearest loop around it, nil at top level
	in       *Step   // the block, loop or call that it belongs to, nil at top level
	Sends    []*Step // every send at or below it, in order
	needs    []string
	capture  [][]string
	inFinal  bool
	maxLevel step.Effect
}

// placeOf is where the argument stands that an error is about, else the step.
func (s *Step) placeOf(err error) diag.Span {
	var bad *step.ArgError
	if errors.As(err, &bad) {
		for _, a := range s.Args {
			if a.Field.Name == bad.Param && a.Value != nil {
				return a.Value.Span()
			}
		}
	}
	return s.Span
}

// Arg is one parameter that was written.
type Arg struct {
	Field step.Field
	Value *lang.Value
	Named []Output // instead of Value: names to expressions over `item`
}

// Output is one named expression of `outputs:`.
type Output struct {
	Name    string
	Value   *lang.Value
	Outcome bool // evaluated when sends have settled
	needs   []string
}

// OnError says what a failure does to the rest.
type OnError uint8

// The choices of `onError`.
const (
	OnErrorDefault OnError = iota
	OnErrorStop
	OnErrorContinue
)

// Local is the id by which the step's own flow names it.
func (s *Step) Local() string { return s.ID[len(s.scope()):] }

// scope is what the ids of the step's own flow begin with, "" in the flow that is
// run.
func (s *Step) scope() string { return s.ID[:strings.LastIndexByte(s.ID, '/')+1] }

// IsLoop reports whether the step has a forEach.
func (s *Step) IsLoop() bool { return s.ForEach != nil }

// gives are the outputs of a block or of a called flow, evaluated once for each
// time that it runs.
func (s *Step) gives() []Output {
	switch {
	case s.Called != nil:
		return s.Called.Outputs
	case s.Kind == nil && !s.IsLoop():
		return s.Items
	}
	return nil
}

// Effect is what the step does itself; a block does what its strongest part
// does.
func (s *Step) Effect() step.Effect { return s.maxLevel }

// Step finds a step anywhere in the program.
func (p *Program) Step(id string) (*Step, bool) {
	s, ok := p.byID[id]
	return s, ok
}

// HasSends reports whether the flow can send anything at all.
func (p *Program) HasSends() bool {
	for _, s := range p.Steps {
		if len(s.Sends) > 0 {
			return true
		}
	}
	return false
}

// Walk calls fn for every step, parents first, finally included.
func (p *Program) Walk(fn func(*Step)) {
	var walk func([]*Step)
	walk = func(list []*Step) {
		for _, s := range list {
			fn(s)
			walk(s.Body)
		}
	}
	walk(p.Steps)
	walk(p.Finally)
}
