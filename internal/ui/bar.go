package ui

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/flowrunner/flowrunner/engine"
)

// bars shows progress as one bar on a terminal: that of the step which is being
// planned or sent.
type bars struct {
	w       io.Writer // for lines once the bars are gone
	s       Style
	secrets *Redactor
	mu      sync.Mutex

	pool *mpb.Progress // nil when closed
	bar  *mpb.Bar
	at   *meter
	all  int  // sends expected
	back bool // chats are read back; what comes of it is no progress of sending
}

// meter is what a bar says of its speed.
type meter struct {
	mu          sync.Mutex
	began       time.Time
	base        int
	done, total int
}

func newBars(tty *os.File, w io.Writer, secrets *Redactor, s Style) *bars {
	return &bars{w: w, s: s, secrets: secrets, pool: mpb.New(mpb.WithOutput(tty), mpb.WithWidth(pageWidth), mpb.WithRefreshRate(120*time.Millisecond), mpb.WithAutoRefresh())}
}

func (b *bars) Expect(sends int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = sends
}

func (b *bars) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return b.w.Write(p)
	}
	return b.print(p)
}

// print puts lines above the bars.
func (b *bars) print(p []byte) (int, error) {
	if _, err := b.pool.Write(b.secrets.Mask(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (b *bars) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return
	}
	b.end()
	b.pool.Wait()
	b.pool = nil
}

func (b *bars) Event(e engine.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return
	}
	switch e.Kind {
	case engine.EventStep:
		b.begin("planning "+e.Step, 0)
	case engine.EventProgress:
		b.advance(e.Done, 0)
	case engine.EventStepDone, engine.EventApplying:
		b.end()
	case engine.EventPlanned:
		b.end()
		b.all += e.Total
	case engine.EventReading:
		if !b.back {
			b.begin("reading chats back", e.Total)
			b.at.set(e.Done-1, e.Total, true)
		}
		b.advance(e.Done, e.Total)
		if b.back = e.Done < e.Total; !b.back {
			b.end()
		}
	case engine.EventSettled:
		if b.back {
			return
		}
		total := max(b.all, e.Done)
		if b.bar == nil {
			b.begin("sending "+e.Step, total)
			b.at.set(e.Done-1, total, true)
		}
		b.advance(e.Done, total)
	case engine.EventWarning, engine.EventWaiting, engine.EventCanary:
		_, _ = b.print([]byte(warning(b.s, e) + "\n"))
	case engine.EventStopping:
		_, _ = b.print([]byte("stopping: " + Safe(e.Text) + "\n"))
	case engine.EventPlanning, engine.EventLocal:
	}
}

// begin draws a bar for a step; total 0 is one whose end nobody knows.
func (b *bars) begin(step string, total int) {
	b.end()
	b.at = &meter{began: time.Now()}
	name := decor.Name(Pad(Cut(Safe(step), 28), 28))
	at := b.at
	count := decor.Any(func(decor.Statistics) string { return at.text() })
	if total == 0 {
		b.bar = b.pool.New(0, mpb.SpinnerStyle(), mpb.BarRemoveOnComplete(), mpb.BarWidth(3), mpb.PrependDecorators(name), mpb.AppendDecorators(count))
		return
	}
	style := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]")
	b.bar = b.pool.New(int64(total), style, mpb.BarRemoveOnComplete(), mpb.BarWidth(20), mpb.PrependDecorators(name), mpb.AppendDecorators(count))
}

func (b *bars) advance(done, total int) {
	if b.bar == nil {
		return
	}
	b.at.set(done, total, false)
	b.bar.SetCurrent(int64(done))
}

func (b *bars) end() {
	if b.bar == nil {
		return
	}
	b.bar.SetTotal(-1, true)
	b.bar.Abort(true)
	b.bar = nil
}

func (m *meter) set(done, total int, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done, m.total = done, total
	if first {
		m.base = done
	}
}

func (m *meter) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.total == 0 {
		return " " + number(m.done)
	}
	return fmt.Sprintf(" %s/%s%s", number(m.done), number(m.total), pace(m.done-m.base, m.total-m.done, time.Since(m.began)))
}
