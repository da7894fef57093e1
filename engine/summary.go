package engine

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Summary is what a person must know of a plan before it is applied.
type Summary struct {
	planfile.Plan // its moments are in the flow's time zone

	Unfit   []string           // why the plan may not be applied, from Look
	Steps   []SendSummary      // sending steps of this stage, in file order
	LeftOut []planfile.LeftOut // filters, ifs and rails, each with its reason and count
	First   *time.Time         // the earliest of the sends that were made before
	Since   *time.Time         // and the latest
	Next    *time.Time         // of a schedule: the slot after the plan's
	Samples []Sample
	Outside int           // planned sends whose hours (guard.hours) were closed when the plan was made
	Opens   time.Time     // when the hours of the first of them open; zero where none ever do
	Left    *int          // calls of the month that guard.monthlyCalls leaves, after planning
	Project []string      // the rails of the project that hold the plan, as its file states them
	Locals  []string      // local steps that apply will perform
	Calls   int           // API calls that applying makes, at least
	Takes   time.Duration // at the connection's rate; 0 is unknown
}

// SendSummary is the balance of one sending step.
type SendSummary struct {
	Step    string
	Title   string
	OncePer string // campaign, month, week, day or run
	Period  string // of its sends; "" for the campaign as a whole
	Counts  planfile.Counts
}

// Sample is one planned send as its recipient would get it.
type Sample struct {
	Seq     int64
	Step    string
	Contact int
	Key     string
	Preview step.Preview
	Written string // the text as the flow writes it, before anybody's data is in it; "" when no parameter is the text
}

// Summarize reads a plan and counts it. It shows up to samples messages of each
// sending step. The plan may be stale or applied; a damaged one is a
// *planfile.Error.
func (p *Program) Summarize(path string, samples int) (*Summary, error) {
	plan, err := planfile.Check(path)
	if err != nil {
		return nil, err
	}
	return p.summarize(plan, samples)
}

// Look is Summarize for whoever wants to see a plan that may not be applied. Of one
// that was changed or cut off it gives what can be read of it, with the damage among
// its reasons; why is what else is wrong with it.
func (p *Program) Look(path string, samples int, why []error) (*Summary, error) {
	plan, err := planfile.Check(path)
	var damage *planfile.Error
	if err != nil && !errors.As(err, &damage) {
		return nil, err
	}
	s, rerr := p.summarize(plan, samples)
	if damage != nil {
		s.Unfit = append(s.Unfit, damage.Error())
		if plan.End.Hash == "" { // it never came to the end, where the counts stand
			for _, st := range s.Steps {
				s.End.Counts.Plus(st.Counts)
			}
		}
	} else if rerr != nil {
		return nil, rerr
	}
	for _, w := range why {
		s.Unfit = append(s.Unfit, strings.TrimPrefix(w.Error(), "apply: "))
	}
	return s, nil
}

// summarize reads the records of a plan, as far as they can be read when there is
// an error.
func (p *Program) summarize(plan planfile.Plan, samples int) (*Summary, error) {
	m := p.summing(plan.Head, samples)
	for line, err := range planfile.Lines(plan.Path) {
		var rec any
		if err == nil && line.Type != "row" && line.Type != "item" {
			rec, err = line.Record()
		}
		if err != nil {
			return m.end(plan), err
		}
		m.add(rec)
	}
	return m.end(plan), nil
}

// summing makes the summary of a plan from its records, as they are written or as
// they are read.
type summing struct {
	p       *Program
	s       *Summary
	samples int            // messages of each step to show
	at      map[string]int // where the steps stand in the summary
	shown   map[string]int
	hours   *openings
	now     time.Time // of the plan
}

func (p *Program) summing(head planfile.Header, samples int) *summing {
	m := &summing{p: p, s: &Summary{}, samples: samples, at: map[string]int{}, shown: map[string]int{}, hours: &openings{p: p}, now: head.Now}
	s := m.s
	for _, st := range p.Steps {
		for _, send := range st.Sends {
			if st.Stage == head.Stage {
				m.at[send.ID] = len(s.Steps)
				s.Steps = append(s.Steps, SendSummary{Step: send.ID, Title: send.Title, OncePer: p.oncePer(send)})
			}
		}
	}
	return m
}

// add takes in the next record.
func (m *summing) add(rec any) {
	switch r := rec.(type) {
	case *planfile.Send:
		m.send(r)
	case planfile.Send:
		m.send(&r)
	case planfile.Local:
		if !slices.Contains(m.s.Locals, r.Step) {
			m.s.Locals = append(m.s.Locals, r.Step)
		}
	case planfile.LeftOut:
		m.s.LeftOut = append(m.s.LeftOut, r)
	}
}

func (m *summing) send(r *planfile.Send) {
	i, ok := m.at[r.Step]
	if !ok {
		return
	}
	s := m.s
	st := &s.Steps[i]
	st.Counts.Add(r.Status)
	if r.Period != "" {
		st.Period = r.Period
	}
	if r.Changed {
		st.Counts.Changed++
	}
	if r.Status == planfile.StatusAlreadySent && r.Since != nil {
		if s.Since == nil || r.Since.After(*s.Since) {
			s.Since = r.Since
		}
		if s.First == nil || r.Since.Before(*s.First) {
			s.First = r.Since
		}
	}
	if r.Status != planfile.StatusPlanned {
		return
	}
	m.look(r)
	if m.shown[r.Step] < m.samples {
		m.shown[r.Step]++
		if sample, ok := m.p.Sample(*r); ok {
			s.Samples = append(s.Samples, sample)
		}
	}
}

// end gives the summary.
func (m *summing) end(plan planfile.Plan) *Summary {
	s := m.s
	s.Plan, s.Calls, s.Project = plan, plan.End.Counts.Planned, m.p.project
	s.Head.Now = plan.Head.Now.In(m.p.Zone)
	if plan.Head.Slot != nil && m.p.Schedule != nil {
		slot := plan.Head.Slot.In(m.p.Zone)
		s.Head.Slot = &slot
		if next, ok := m.p.Schedule.Next(slot); ok {
			s.Next = &next
		}
	}
	if most := m.p.Guard.MonthlyCalls; most != nil {
		for _, used := range s.Head.Month {
			left := max(0, most.N-used-int(plan.End.Calls))
			if s.Left == nil || left < *s.Left {
				s.Left = &left
			}
		}
	}
	if s.Head.Rate > 0 && !s.Head.Sandbox {
		s.Takes = time.Duration(float64(s.Calls) / s.Head.Rate * float64(time.Second))
	}
	return s
}

// look counts a planned send whose hours are closed.
func (m *summing) look(r *planfile.Send) {
	c, err := m.hours.at(r.Zone, m.now)
	if err != nil || c == nil || r.Internal {
		return
	}
	s := m.s
	s.Outside++
	if !c.opens.IsZero() && (s.Opens.IsZero() || c.opens.Before(s.Opens)) {
		s.Opens = c.opens
	}
}

// Sample renders what a planned send shows a person.
func (p *Program) Sample(r planfile.Send) (Sample, bool) {
	st, ok := p.byID[r.Step]
	if !ok || st.Kind == nil || st.Kind.Effect != step.EffectSend {
		return Sample{}, false
	}
	prep, err := st.Kind.Prepare(r.Args)
	if err != nil {
		return Sample{}, false
	}
	s := Sample{Seq: r.Seq, Step: r.Step, Contact: r.Contact, Key: r.Key, Preview: prep.Preview}
	for _, a := range st.Args {
		if a.Value != nil && r.Args[a.Field.Name] == any(prep.Preview.Text) {
			s.Written = strings.TrimRight(a.Value.Node().Text, "\n")
		}
	}
	return s, true
}
