package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/steps"
)

const readAndSend = `flow: opening
steps:
  - {id: who, uses: people}
  - id: each
    forEach: ${{ steps.who.outputs.people }}
    as: p
    steps:
      - {id: send, uses: chat2desk_send_message, with: {contactId: "${{ p.id }}", message: Hello}}
`

// planOver plans a flow whose kind people is read.
func planOver(t *testing.T, src string, read func(context.Context) (step.Stream[person], error), set func(*engine.Options)) (string, error) {
	t.Helper()
	people := step.Read(step.Doc{Name: "people", Summary: "People.", Since: "0.1", Example: "-"},
		func(ctx context.Context, _ struct{}) (out peopleOut, err error) {
			out.People, err = read(ctx)
			return out, err
		})
	reg, err := step.NewRegistry(nil, append(steps.Registry().Kinds(), people)...)
	require.NoError(t, err)
	doc, problems := flow.Parse("flow.yaml", []byte(src))
	require.False(t, problems.HasErrors(), "%s", problems)
	p, problems := engine.Compile(doc, reg, nil)
	require.False(t, problems.HasErrors(), "%s", problems)
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	o := b.options(p, nil)
	set(&o)
	return planFile(t.Context(), p, o)
}

// The account is asked while the first step reads, and nobody reads on before it is
// known.
func TestTheAccountIsAskedBesideTheFirstRead(t *testing.T) {
	reading, known := make(chan struct{}), atomic.Bool{}
	path, err := planOver(t, readAndSend, func(context.Context) (step.Stream[person], error) {
		close(reading)
		return step.StreamOf(func(yield func(person, error) bool) {
			require.True(t, known.Load(), "a page is used before the account is known")
			_ = yield(person{ID: 101}, nil)
		}), nil
	}, func(o *engine.Options) {
		o.Account = func(context.Context) (string, error) {
			<-reading
			known.Store(true)
			return "7", nil
		}
	})
	require.NoError(t, err)
	require.Len(t, records[planfile.Send](t, path), 1)
}

// With a bound on the calls of the month nothing is read before it is known how many
// there were.
func TestTheMonthIsKnownBeforeTheFirstRead(t *testing.T) {
	known, used := atomic.Bool{}, 5
	_, err := planOver(t, "guard: {monthlyCalls: 100}\n"+readAndSend, func(context.Context) (step.Stream[person], error) {
		require.True(t, known.Load())
		return step.StreamList([]person{{ID: 101}}), nil
	}, func(o *engine.Options) {
		o.CallsThisMonth = func(context.Context) (*int, error) {
			known.Store(true)
			return &used, nil
		}
	})
	require.NoError(t, err)
	require.True(t, known.Load())
}

// Whichever of two faults comes first, that of the account is told.
func TestTheAccountsFaultIsToldFirst(t *testing.T) {
	noToken, noPage := errors.New("the token is wrong"), errors.New("the page is broken")
	for name, tt := range map[string]struct {
		account error
		early   bool // the account's answer comes before the page
		read    error
		want    error
	}{
		"the page first":       {noToken, false, noPage, noToken},
		"the account first":    {noToken, true, noPage, noToken},
		"the account alone":    {noToken, false, nil, noToken},
		"the page alone":       {nil, true, noPage, noPage},
		"neither of the two":   {nil, true, nil, nil},
		"the page alone, late": {nil, false, noPage, noPage},
	} {
		t.Run(name, func(t *testing.T) {
			read, asked := make(chan struct{}), make(chan struct{})
			_, err := planOver(t, readAndSend, func(ctx context.Context) (step.Stream[person], error) {
				defer close(read)
				if tt.early {
					<-asked
				}
				if tt.early && tt.account != nil {
					<-ctx.Done() // reads end when the account is not known
					return step.Stream[person]{}, ctx.Err()
				}
				return step.StreamList([]person{{ID: 101}}), tt.read
			}, func(o *engine.Options) {
				o.Account = func(context.Context) (string, error) {
					defer close(asked)
					if !tt.early {
						<-read
					}
					return "7", tt.account
				}
			})
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}
