package step

import (
	"context"
	"fmt"
	"reflect"
	"sync"
)

// Effect is what a kind does to the world, and so when it happens.
type Effect uint8

// The effects, in the order of how much they change.
const (
	EffectCompute Effect = iota // plan; pure
	EffectRead                  // plan; asks the API or a file
	EffectLocal                 // apply; writes a file or prints
	EffectSend                  // apply; changes the account, through the ledger
)

// String is the word of the language page.
func (e Effect) String() string { return [...]string{"compute", "read", "local", "send"}[e] }

// Doc is what people read of a kind.
type Doc struct {
	Name    string // snake_case, as in `uses:`
	Summary string // one sentence
	Detail  string // paragraphs for the reference page; may be empty
	Since   string // the version that brought it
	Example string // a whole flow that validates and plans in the sandbox
	// Files holds the files that Example reads, by their path beside the flow.
	Files map[string]string

	// Connected kinds talk to Chat2Desk: they take apiToken, and their effective
	// connection is part of account, limiter and identity.
	Connected bool
	// LocalTime says what of one use depends on the company's zone, as the subject
	// of a sentence; "" when nothing does. Nil is nothing.
	LocalTime func(Call) string
	// TextLimit names a text parameter that has a limit in one use, how many
	// characters that is, and of what; "" when none is known. Nil is none.
	TextLimit func(Call) (param string, most int, of string)
	// Reads names the fields that the kind itself reads of the records of a stream
	// parameter, besides what its expressions over item read and what an output
	// like that parameter passes on. Not known, or a nil Reads, is all of them.
	Reads func(c Call, param string) (fields []string, known bool)
	// Stops says that the kind may stop reading its streams before their end.
	Stops bool
	// OpenParams kinds take any names; the outputs are the same names.
	OpenParams bool
	// Infer gives the outputs' shapes from the parameters' (for filter, map,
	// join …). Nil where the Go type and its like tags say all.
	Infer func(Call) ([]Field, error)
}

// Call is what is known statically of one use of a kind.
type Call struct {
	// Shapes holds the shape of every parameter written; of a Named parameter the
	// object of its names, in the order written.
	Shapes map[string]Shape
	// Literals holds the values of parameters written without any expression, as
	// evaluated arguments would be (a Named one is a Named[any]).
	Literals map[string]any
	// Begins holds what the texts written surely begin with: all of a literal one,
	// else what stands before the first expression.
	Begins map[string]string
	// Wanted holds, for each output that streams records, the fields that the flow
	// reads of them; absent is all. Records hold no others then, and a kind need not
	// fetch or decode them.
	Wanted map[string][]string
	// Whole holds the outputs that stream records and are read to their end, unless
	// something fails: what is fetched of them early is not wasted.
	Whole map[string]bool
}

type callKey struct{}

// WithCall lets a running kind see what the compiler knew of this use of it:
// write_csv takes the order of its columns from there. The engine may call it
// before Run.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns what WithCall gave; the zero Call when nothing is known.
func CallOf(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}

// Kind is one step kind: its declaration and how the engine calls it. Made by
// Compute, Read, Local or Send and immutable.
type Kind struct {
	Doc
	Effect Effect

	run  func(ctx context.Context, args map[string]any) (map[string]any, error)
	send *sender

	// What its Go types say. A flow uses few of all kinds, so that is worked out for
	// those that somebody asks about.
	shape func() *kindShape
}

// kindShape is what the Go types of a kind say.
type kindShape struct {
	params, outputs []Field
	like            map[string]string // output → the parameter whose elements it has
	narrow          map[string]bool   // outputs that stream structs
}

// sender is the type-erased part of a sending kind.
type sender struct {
	prepare func(args map[string]any) (Prepared, error)
	do      func(ctx context.Context, args map[string]any, a Attempt) (message int, err error)
	settle  func(ctx context.Context, args map[string]any, a Attempt) (Reading, error)
}

// Compute declares a pure kind.
func Compute[In, Out any](d Doc, fn func(context.Context, In) (Out, error)) Kind {
	return makeKind[In, Out](d, EffectCompute, fn)
}

// Read declares a kind that only asks.
func Read[In, Out any](d Doc, fn func(context.Context, In) (Out, error)) Kind {
	return makeKind[In, Out](d, EffectRead, fn)
}

// Local declares a kind that writes a file or prints. It runs in apply.
func Local[In, Out any](d Doc, fn func(context.Context, In) (Out, error)) Kind {
	return makeKind[In, Out](d, EffectLocal, fn)
}

// Send declares a kind that changes the account. Every part is needed: key is
// the default identity within the step (language page, "Once"); recipient is who
// gets it, for caps and `why`; preview is what a person reviews and what counts
// as the content, or an *ArgError when this could only be refused; do makes exactly
// one attempt; settle reads back whether an attempt happened, or is NoSettle.
func Send[In any, Out Accepted](
	d Doc,
	key func(In) string,
	recipient func(In) Recipient,
	preview func(In) (Preview, error),
	do func(context.Context, In, Attempt) (Out, error),
	settle Settle[In],
) Kind {
	k := makeKind[In, Out](d, EffectSend, nil)
	k.send = &sender{
		prepare: func(args map[string]any) (Prepared, error) {
			x, err := argsOf[In](args)
			if err != nil {
				return Prepared{}, err
			}
			p := Prepared{Key: key(x), Recipient: recipient(x)}
			p.Preview, err = preview(x)
			return p, err
		},
		do: func(ctx context.Context, args map[string]any, a Attempt) (message int, err error) {
			x, err := argsOf[In](args)
			if err != nil {
				return 0, &Failure{Class: ClassInvalid, Delivery: Refused, Reason: err.Error(), Err: err}
			}
			out, err := do(ctx, x, a)
			if err != nil {
				return 0, err
			}
			return out.Message(), nil
		},
	}
	if settle != nil {
		k.send.settle = func(ctx context.Context, args map[string]any, a Attempt) (Reading, error) {
			x, err := argsOf[In](args)
			if err != nil {
				return Reading{}, err
			}
			return settle(ctx, x, a)
		}
	}
	return k
}

func makeKind[In, Out any](d Doc, e Effect, fn func(context.Context, In) (Out, error)) Kind {
	k := Kind{Doc: d, Effect: e, shape: sync.OnceValue(func() *kindShape {
		return kindShapeOf(e, reflect.TypeFor[In](), reflect.TypeFor[Out]())
	})}
	if fn == nil {
		return k
	}
	k.run = func(ctx context.Context, args map[string]any) (map[string]any, error) {
		var x In
		if d.OpenParams {
			x = any(args).(In)
		} else {
			var err error
			if x, err = argsOf[In](args); err != nil {
				return nil, err
			}
		}
		res, err := fn(ctx, x)
		if err != nil {
			return nil, err
		}
		if v := reflect.ValueOf(res); v.Kind() == reflect.Struct {
			return outputsOf(v, CallOf(ctx).Wanted), nil
		}
		outs, ok := ToValue(res).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("step %s: outputs are no object", d.Name)
		}
		return outs, nil
	}
	return k
}

func kindShapeOf(e Effect, in, out reflect.Type) *kindShape {
	s := &kindShape{like: map[string]string{}, narrow: map[string]bool{}}
	if in.Kind() == reflect.Struct {
		s.params = fieldsOf(in)
	}
	if _, ok := ObjectOf(s.params...).Field(ContactParam); ok && e == EffectSend {
		s.params = append(s.params, personField)
	}
	if out.Kind() != reflect.Struct {
		return s
	}
	s.outputs = fieldsOf(out)
	for _, m := range membersOf(out) {
		if m.like != "" {
			s.like[m.Name] = m.like
		}
		if t := out.FieldByIndex(m.index).Type; t.Implements(typeStreamer) {
			elem := reflect.TypeOf(reflect.Zero(t).Interface().(streamer).elem())
			s.narrow[m.Name] = elem != nil && elem.Kind() == reflect.Struct
		}
	}
	return s
}

// Params are the parameters that a flow may write under with.
func (k *Kind) Params() []Field { return k.shape().params }

// Outputs are what other steps read of it.
func (k *Kind) Outputs() []Field { return k.shape().outputs }

// Param finds a parameter.
func (k *Kind) Param(name string) (Field, bool) { return ObjectOf(k.Params()...).Field(name) }

// Passes names the outputs whose records are those of a parameter.
func (k *Kind) Passes(param string) []string {
	var outs []string
	for _, o := range k.Outputs() {
		if k.shape().like[o.Name] == param {
			outs = append(outs, o.Name)
		}
	}
	return outs
}

// Narrows reports whether the records of an output hold the wanted fields alone:
// those of a stream of structs.
func (k *Kind) Narrows(output string) bool { return k.shape().narrow[output] }

// Infer gives the outputs of one use of the kind, with their shapes.
func (k *Kind) Infer(c Call) ([]Field, error) {
	if k.Doc.Infer != nil {
		return k.Doc.Infer(c)
	}
	if k.OpenParams {
		fields := make([]Field, 0, len(c.Shapes))
		for name, s := range c.Shapes {
			fields = append(fields, Field{Name: name, Shape: s})
		}
		sortFields(fields)
		return fields, nil
	}
	fields := make([]Field, len(k.Outputs()))
	copy(fields, k.Outputs())
	for i, f := range fields {
		if p, ok := k.shape().like[f.Name]; ok {
			elem := c.Shapes[p].Element()
			fields[i].Shape.Elem = &elem
		}
	}
	return fields, nil
}

// Run performs a compute, read or local kind. args holds the evaluated
// arguments of the parameters that were written; optional ones may be absent.
// The result holds every output but those that the engine counts.
func (k *Kind) Run(ctx context.Context, args map[string]any) (map[string]any, error) {
	if k.run == nil {
		return nil, fmt.Errorf("step %s: a %s kind is not run but sent", k.Name, k.Effect)
	}
	return k.run(ctx, args)
}

// Prepare computes, without any call, what a send is about.
func (k *Kind) Prepare(args map[string]any) (Prepared, error) { return k.send.prepare(args) }

// Do makes one attempt of a send, and gives the id of the message that proves it. An
// error that is no *Failure means that nobody knows: the state is unknown.
func (k *Kind) Do(ctx context.Context, args map[string]any, a Attempt) (message int, err error) {
	return k.send.do(ctx, args, a)
}

// CanSettle reports whether an unknown attempt can be read back.
func (k *Kind) CanSettle() bool { return k.send != nil && k.send.settle != nil }

// Settle reads back whether an attempt happened.
func (k *Kind) Settle(ctx context.Context, args map[string]any, a Attempt) (Reading, error) {
	return k.send.settle(ctx, args, a)
}
