package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/internal/ui"
	"github.com/flowrunner/flowrunner/steps"
)

// exprOptions are the flags of expr.
type exprOptions struct {
	worldFlags
	inputFlags
	flow string
	item string
	data string
	run  string
	step string
	zone string
}

func newExpr(a *app) *cobra.Command {
	o := &exprOptions{}
	cmd := &cobra.Command{
		Use:   "expr [EXPR]",
		Short: "Try an expression on real data",
		Long: "expr checks and computes an expression as a flow would, and prints its value\n" +
			"and its type. Without EXPR it asks for expressions on a terminal, with history\n" +
			"and completion by Tab, and elsewhere reads one from each line.\n\n" +
			"The data is one --item, a --data file, the scope of a --flow with what its reads\n" +
			"give in the --sandbox, or what the plan of a --run has recorded. --step and\n" +
			"--item go into a loop: the names there are those of that iteration. What the\n" +
			"loop of a --run reads for each item is read again.",
		Example: "  flowrunner expr 'plural(5, \"визит\", \"визита\", \"визитов\")'\n" +
			"  flowrunner expr 'item.name ?? \"friend\"' --item '{\"name\": null}'\n" +
			"  flowrunner expr --flow sale.yaml --sandbox 'steps.clients.outputs.total'\n" +
			"  flowrunner expr --flow sale.yaml --sandbox --step history --item 17\n" +
			"  flowrunner expr --run last --step history --item 17 steps.history.outputs\n" +
			"  flowrunner expr --run last --step send --item 17 with.message",
		Args: atMost(1, "at most one EXPR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			return evaluate(a, o, args)
		},
	}
	f := cmd.Flags()
	o.stateFlags.register(f)
	o.sandboxFlags.register(f, "sandbox-", sandbox.DefaultContacts)
	o.inputFlags.register(f)
	f.StringVar(&o.flow, "flow", "", "the flow, a `file`, whose names are known")
	f.StringVar(&o.item, "item", "", "a JSON `value` that is called item; with --step the number of an item, from 1")
	f.StringVar(&o.data, "data", "", "a JSON or YAML `file` whose value is called data")
	f.StringVar(&o.run, "run", "", "the run whose plan gives the values: an `id`, or last")
	f.StringVar(&o.step, "step", "", "the step, by its `id`, at whose place the expression stands")
	f.StringVar(&o.zone, "timezone", "", "the company's `zone` where no flow says it (default UTC)")
	outputFlag(a, f)
	return cmd
}

// evaluate answers one expression, those of a pipe, or those that are typed.
func evaluate(a *app, o *exprOptions, args []string) error {
	e, err := o.evaluator(a)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1:
		return a.answer(e, expressionName, args[0])
	case a.terminal && a.outTTY != nil && !a.json:
		return a.console(e)
	}
	return a.answerLines(e)
}

// expressionName stands where a problem has the name of a file.
const expressionName = "expression"

// evaluator prepares the names that the flags make known.
func (o *exprOptions) evaluator(a *app) (*engine.Evaluator, error) {
	if err := o.sensible(); err != nil {
		return nil, err
	}
	at, err := o.place()
	if err != nil {
		return nil, err
	}
	var e *engine.Evaluator
	switch {
	case o.run != "":
		e, err = o.recorded(a, at)
	case o.flow != "":
		e, err = o.ofFlow(a, at)
	default:
		zone, zerr := time.LoadLocation(o.zone)
		if zerr != nil || o.zone == "Local" {
			return nil, &usageError{fmt.Sprintf("there is no time zone %q", o.zone), "write a name such as Europe/Moscow"}
		}
		e = engine.NewEvaluator(zone).With("run", engine.ShapeOf(map[string]any{"now": time.Time{}}), map[string]any{"now": time.Now().In(zone)})
	}
	if err != nil {
		var wrong *engine.PlaceError
		if errors.As(err, &wrong) {
			return nil, &usageError{wrong.Reason, wrong.Hint}
		}
		return nil, err
	}
	if o.item != "" && o.step == "" {
		v, err := readJSON("--item", []byte(o.item))
		if err != nil {
			return nil, err
		}
		e = e.With("item", engine.ShapeOf(v), v)
	}
	if o.data != "" {
		v, err := readData(o.data)
		if err != nil {
			return nil, err
		}
		e = e.With("data", engine.ShapeOf(v), v)
	}
	return e, nil
}

// sensible refuses flags that mean nothing together.
func (o *exprOptions) sensible() error {
	switch {
	case o.run != "" && o.flow != "":
		return &usageError{"a plan has its flow with it, so --flow means nothing beside --run", "leave one of the two out"}
	case o.zone != "" && (o.run != "" || o.flow != ""):
		return &usageError{"a flow has its time zone with it, so --timezone means nothing beside --flow and --run", "leave it out, or change connection.timezone in the flow"}
	case o.given() && o.run != "":
		return &usageError{"a plan has its inputs with it, so --var and --var-file mean nothing beside --run", "leave them out"}
	case o.given() && o.flow == "":
		return &usageError{"--var and --var-file give inputs to a flow, and none is given", "add --flow FILE"}
	case o.step != "" && o.run == "" && o.flow == "":
		return &usageError{"--step names a step of a flow, and none is given", "add --flow FILE, or --run ID"}
	case o.sandbox && o.run == "" && o.flow == "":
		return &usageError{"--sandbox gives values to the steps of a flow, and none is given", "add --flow FILE"}
	}
	return nil
}

// place reads --step and --item.
func (o *exprOptions) place() (engine.Place, error) {
	at := engine.Place{Step: o.step}
	if o.step == "" || o.item == "" {
		return at, nil
	}
	for part := range strings.SplitSeq(o.item, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return at, &usageError{fmt.Sprintf("--item %s is no number of an item", o.item), "count from 1; in a loop inside a loop write both: 3.2"}
		}
		at.Item = append(at.Item, n-1)
	}
	return at, nil
}

// recorded is the scope of a run, with what its plan holds.
func (o *exprOptions) recorded(a *app, at engine.Place) (*engine.Evaluator, error) {
	run, err := a.pastRun(o.stateFlags, o.run)
	if err != nil {
		return nil, err
	}
	defer run.close()
	p, plan, err := a.readPlan(run.state.plan(run.ID))
	if err != nil {
		return nil, err
	}
	if !p.ReadsEach(at.Step) {
		return p.Recorded(run.plans, at)
	}
	// What a loop reads for each item stands in no plan: it would be a copy of all chats.
	fmt.Fprintf(a.stderr, "The plan has not recorded what this loop reads, so it is read again, as it is now, for the inputs and the moment of run %s.\n", run.ID)
	head := plan.Head
	o.sandbox = head.Sandbox
	return o.explore(a, p, engine.Options{
		Inputs: p.InputsOf(head), Campaign: head.Campaign, FlowDir: folderOf(plan.Path, head.File), Now: func() time.Time { return head.Now },
	}, at)
}

// ofFlow is the scope of a flow: with --sandbox its reads are made once.
func (o *exprOptions) ofFlow(a *app, at engine.Place) (*engine.Evaluator, error) {
	p, _, err := compile(o.flow)
	if err != nil {
		return nil, err
	}
	inputs, err := o.bind(a, p)
	if err != nil {
		return nil, err
	}
	if !o.sandbox {
		vars := map[string]string{}
		for _, name := range p.Env {
			vars[name] = a.env.get(name)
		}
		return p.Static(p.Evaluator(inputs, vars, "", time.Now()), at, "nothing has run; --sandbox makes the flow's reads")
	}
	return o.explore(a, p, engine.Options{Inputs: inputs, FlowDir: filepath.Dir(o.flow), Now: time.Now}, at)
}

// explore makes the reads of a flow once, in the sandbox or with the token.
func (o *exprOptions) explore(a *app, p *engine.Program, opts engine.Options, at engine.Place) (*engine.Evaluator, error) {
	dir, err := os.MkdirTemp("", "flowrunner-expr-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx := a.signals.drain
	store, err := sqlite.Open(ctx, filepath.Join(dir, "ledger.db"), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if o.sandbox {
		fake, err := startSandbox(a, state{top: dir, dir: dir, sandbox: true}, &o.worldFlags, false)
		if err != nil {
			return nil, err
		}
		defer fake.close()
		opts.Sandbox = &fake.Sandbox
	}
	opts.StateDir, opts.Store, opts.LookupEnv, opts.OnSecret = dir, store, a.env.lookup, a.secrets.Add
	opts.Account, opts.People = steps.CompanyID, steps.People{}
	e, err := p.Explore(ctx, opts, at)
	if e == nil || err == nil {
		return e, withSource(err, p.Doc.Source)
	}
	fmt.Fprint(a.stderr, a.errStyle().Problem(err, p.Doc.Source))
	return e, nil // what came before it is known
}

// answer computes one expression and prints what came of it. name stands where
// a problem has the name of a file.
func (a *app) answer(e *engine.Evaluator, name, text string) error {
	got, err := e.Expr(flow.TextNode(name, text))
	if err != nil {
		err = withSource(err, []byte(text))
		if failsOnData(err) {
			a.complain(err, exitFailed)
			err = &endedError{[]engine.Cause{engine.CauseStep}}
		}
		return err
	}
	if a.json {
		a.silent = true
		if err := ui.WriteJSON(a.stdout, valueDocument{got.Missing == "", plainJSON(got.Value), got.Shape.String(), got.Missing}); err != nil {
			return err
		}
	} else {
		if got.Missing == "" {
			fmt.Fprintln(a.stdout, shownValue(got.Value))
		}
		fmt.Fprintln(a.stdout, a.outStyle().Dim(": "+got.Shape.String()))
	}
	if got.Missing != "" {
		if !a.json {
			fmt.Fprintln(a.stderr, a.errStyle().Warn("no value:"), ui.Safe(got.Missing))
		}
		return &endedError{[]engine.Cause{engine.CauseStep}}
	}
	return nil
}

// valueDocument is a value as JSON.
type valueDocument struct {
	OK      bool   `json:"ok"`
	Value   any    `json:"value"`
	Type    string `json:"type"`
	Missing string `json:"missing,omitempty"`
}

// failsOnData reports whether an expression is right, but not for its data.
func failsOnData(err error) bool {
	var list diag.Errors
	return errors.As(err, &list) && len(list) > 0 && list[0].Code == "evaluation-failed"
}

// answerLines answers one expression a line, all of them whatever fails.
func (a *app) answerLines(e *engine.Evaluator) error {
	in := bufio.NewScanner(a.stdin)
	in.Buffer(nil, 1<<20)
	var causes []engine.Cause
	n := 0
	for in.Scan() {
		n++
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		err := a.answer(e, fmt.Sprintf("line %d", n), in.Text())
		if err == nil {
			continue
		}
		causes = append(causes, causesOf(err)...)
		var ended *endedError
		if !errors.As(err, &ended) {
			a.complain(err, exitCode(causesOf(err), nil))
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read expressions: %w", err)
	}
	if len(causes) > 0 {
		return &endedError{causes}
	}
	return nil
}

// complain shows a problem and goes on.
func (a *app) complain(err error, code int) {
	if a.json {
		a.silent = true
		_ = ui.WriteJSON(a.stdout, ui.Document{ExitCode: code, Error: ui.ErrorOf(err)})
		return
	}
	var src *sourceError
	var source []byte
	if errors.As(err, &src) {
		source = src.source
	}
	_, _ = io.WriteString(a.stderr, a.errStyle().Problem(err, source))
}
