package engine

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// opening is a plan whose header waits for its accounts: which ones the sends go to
// is asked while the first step reads, which saves a round trip. Nothing of what was
// read is written down before that is known. If it cannot be told, that is the error,
// whatever else went wrong meanwhile, so that of a wrong token always the same is said.
type opening struct {
	p      *planner
	w      *planfile.Writer
	sum    *summing                // of what was written; nil before the header is
	head   planfile.Header         // its accounts are being asked for until known has returned
	ctx    context.Context         // of the reads; it ends when the accounts cannot be told
	cancel context.CancelCauseFunc // of ctx
	asked  chan error              // what came of asking; nil once it was received
	err    error                   // which is this
}

// open begins the plan of a stage. With guard.monthlyCalls the accounts are asked
// before anything else is called, since what they have left decides about that.
func (p *planner) open(ctx context.Context, path string, env map[string]string) (*opening, error) {
	sends, err := p.connected()
	if err != nil {
		return nil, err
	}
	o := &opening{p: p, asked: make(chan error, 1)}
	if o.head, err = p.header(ctx, env); err != nil {
		return nil, err
	}
	if o.w, err = planfile.Create(path); err != nil {
		return nil, err
	}
	o.ctx, o.cancel = context.WithCancelCause(ctx)
	go func() {
		err := p.ask(o.ctx, sends, &o.head)
		if err != nil {
			o.cancel(err)
		}
		o.asked <- err
	}()
	if p.p.Guard.MonthlyCalls != nil {
		if err := o.known(); err != nil {
			o.abort()
			return nil, err
		}
	}
	return o, nil
}

// header binds the plan, but for its accounts.
func (p *planner) header(ctx context.Context, env map[string]string) (planfile.Header, error) {
	h := planfile.Header{
		Type: "header", Version: planfile.Version, Run: p.run, Stage: p.stage, Stages: p.p.Stages,
		Now: p.now, Slot: p.slot, Expires: p.now.Add(planLife),
		Flow: p.p.Name, File: p.p.Doc.File, FlowHash: p.p.Hash, FlowText: string(p.p.Doc.Source), Window: p.p.Guard.Window, Texts: p.p.Texts,
		Env: env, Campaign: p.p.CampaignOf(p.o),
		Lineage: p.o.Store.Lineage(), Only: p.o.Only, MaxSends: p.p.Guard.Most(), Sandbox: p.o.Sandbox != nil, Rate: p.p.Connection.Rate,
		Delivery: p.p.deliveryOf(p.o), Halted: p.halted,
	}
	if p.suppressed != nil {
		h.Suppress = p.suppressed.told
	}
	if p.o.Rate != nil {
		h.Rate = *p.o.Rate
	}
	inputs, _ := p.root.env["inputs"].(map[string]any)
	h.Inputs = inputs
	var err error
	if h.InputsHash, err = hashOf(inputs); err != nil {
		return h, err
	}
	if h.Serial, err = p.o.Store.Serial(ctx, h.Flow, h.Campaign); err != nil {
		return h, err
	}
	return h, nil
}

// connected are the sends of the stage. Each has a connection, so that asking over
// it needs no secret that is not there.
func (p *planner) connected() (sends []*Step, err error) {
	for _, st := range p.p.Steps {
		for _, send := range st.Sends {
			if st.Stage != p.stage || p.halted != "" {
				continue
			}
			if _, err := p.connection(send); err != nil {
				return nil, err
			}
			sends = append(sends, send)
		}
	}
	return sends, nil
}

// ask puts the accounts of sends into the header, with how many calls they have made.
func (p *planner) ask(ctx context.Context, sends []*Step, h *planfile.Header) error {
	for _, send := range sends {
		conn, err := p.connection(send)
		if err != nil {
			return err
		}
		name, err := p.account(ctx, send)
		if err != nil {
			return err
		}
		if h.Accounts == nil {
			h.Accounts = map[string]string{}
		}
		h.Accounts[p.accountHost(conn.BaseURL)] = name
		used, err := p.monthOf(ctx, send)
		if err != nil {
			return err
		}
		if used != nil {
			if h.Month == nil {
				h.Month = map[string]int{}
			}
			h.Month[name] = *used
		}
	}
	return nil
}

// known waits until the accounts are known; the error is why they are not.
func (o *opening) known() error {
	if o.asked != nil {
		o.err, o.asked = <-o.asked, nil
	}
	return o.err
}

// fault is what is told when planning has failed.
func (o *opening) fault(err error) error {
	if unknown := o.known(); unknown != nil {
		return unknown
	}
	return err
}

// begin writes the header, once.
func (o *opening) begin() error {
	if o.sum != nil {
		return nil
	}
	if err := o.known(); err != nil {
		return err
	}
	o.sum = o.p.p.summing(o.head, o.p.o.Samples)
	return o.w.Write(o.head)
}

// write adds a record, behind the header.
func (o *opening) write(record any) error {
	if err := o.begin(); err != nil {
		return err
	}
	o.sum.add(record)
	return o.w.Write(record)
}

// close ends the plan.
func (o *opening) close(end planfile.End) (*Summary, error) {
	if err := o.begin(); err != nil {
		return nil, err
	}
	plan, err := o.w.Close(end)
	return o.sum.end(plan), err
}

// abort throws away what was not closed, and lets nobody go on asking.
func (o *opening) abort() {
	o.cancel(nil)
	_ = o.known()
	o.w.Abort()
}
