package ui

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/flowrunner/flowrunner/engine"
)

// Progress shows how a run goes on while it does. Its methods may be called from
// many goroutines.
type Progress interface {
	// Expect says how many sends the plan lists; later stages add to it.
	Expect(sends int)
	// Event takes one event of the engine.
	Event(engine.Event)
	// Write prints lines without disturbing what is drawn.
	io.Writer
	// Close ends drawing; Write goes on to work.
	Close()
}

// Mode is how progress is shown.
type Mode string

// The modes of --progress.
const (
	ProgressAuto  Mode = "auto"
	ProgressBar   Mode = "bar"
	ProgressPlain Mode = "plain"
	ProgressNone  Mode = "none"
)

// narrowest is the width of a terminal below which a bar says nothing.
const narrowest = 40

// NewProgress shows progress on w, which keeps secrets out by itself. Bars need a
// terminal of some width, which tty is; without one they are lines. What is
// printed above bars goes to the terminal directly, so secrets masks it.
func NewProgress(m Mode, w io.Writer, tty *os.File, secrets *Redactor, s Style) Progress {
	wide := false
	if tty != nil {
		width, _, err := term.GetSize(int(tty.Fd()))
		wide = err == nil && width >= narrowest
	}
	switch {
	case (m == ProgressBar || m == ProgressAuto) && wide:
		return newBars(tty, w, secrets, s)
	case m == ProgressNone:
		return &lines{w: w, s: s, silent: true, now: time.Now}
	}
	return &lines{w: w, s: s, now: time.Now}
}

// everySoOften is the pause between two lines of progress.
const everySoOften = 3 * time.Second

// lines shows progress as a line now and then, for logs.
type lines struct {
	w      io.Writer
	s      Style
	silent bool // nothing but warnings
	now    func() time.Time

	mu    sync.Mutex
	last  time.Time
	began time.Time // of sending
	base  int       // what was done when sending began
	total int       // sends expected
	back  bool      // chats are read back; what comes of it is no progress of sending
}

func (l *lines) Expect(sends int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total = sends
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (l *lines) Close() {}

func (l *lines) Event(e engine.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Kind == engine.EventWarning || e.Kind == engine.EventWaiting || e.Kind == engine.EventCanary {
		fmt.Fprintln(l.w, warning(l.s, e))
		return
	}
	if l.silent {
		return
	}
	now := l.now()
	switch e.Kind {
	case engine.EventPlanning:
		l.last = now
		if e.Stage > 0 {
			fmt.Fprintf(l.w, "planning stage %d\n", e.Stage+1)
		}
	case engine.EventProgress:
		if now.Sub(l.last) >= everySoOften {
			l.last = now
			fmt.Fprintf(l.w, "planning %s: %s\n", Safe(e.Step), number(e.Done))
		}
	case engine.EventPlanned:
		l.total += e.Total
	case engine.EventApplying:
		l.last, l.began, l.base, l.back = now, now, -1, false
	case engine.EventReading:
		l.back = e.Done < e.Total
		if now.Sub(l.last) >= everySoOften {
			l.last = now
			fmt.Fprintf(l.w, "reading back: %s of %s chats\n", number(e.Done), number(e.Total))
		}
	case engine.EventSettled:
		if l.back {
			return
		}
		if l.began.IsZero() {
			l.last, l.began, l.base = now, now, -1
		}
		if l.base < 0 {
			l.base = e.Done - 1
		}
		if now.Sub(l.last) >= everySoOften {
			l.last = now
			fmt.Fprintf(l.w, "sending %s: %s of %s%s\n", Safe(e.Step), number(e.Done), number(max(l.total, e.Done)), pace(e.Done-l.base, l.total-e.Done, now.Sub(l.began)))
		}
	case engine.EventStopping:
		fmt.Fprintf(l.w, "stopping: %s\n", Safe(e.Text))
	}
}

func warning(s Style, e engine.Event) string {
	word := "warning:"
	switch e.Kind {
	case engine.EventWaiting:
		word = "waiting:"
	case engine.EventCanary:
		word = "canary:"
	}
	if e.Step != "" {
		return fmt.Sprintf("%s step %s: %s", s.Warn(word), Safe(e.Step), Safe(e.Text))
	}
	return s.Warn(word) + " " + Safe(e.Text)
}

// pace is the rate so far and the time left.
func pace(done, left int, spent time.Duration) string {
	if done <= 0 || spent < 100*time.Millisecond {
		return ""
	}
	rate := float64(done) / spent.Seconds()
	eta := time.Duration(float64(left) / rate * float64(time.Second))
	return fmt.Sprintf(", %.1f/s, %s left", rate, spell(eta))
}
