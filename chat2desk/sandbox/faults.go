package sandbox

import (
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one way in which a call can go wrong.
type Fault string

// The faults. Those marked POST touch only POST /v1/messages, the one marked GET
// only GET /v1/messages; the others touch every call. "Accepts" means that the message is in the history although its
// caller was not told so; every other fault leaves the message unsent.
const (
	TooMany     Fault = "429"          // refused with 429, in two of three with Retry-After: 1
	OverQuota   Fault = "429-month"    // refused with 429 and the text of a used-up month
	ErrorIn200  Fault = "200-error"    // 200 with an error body
	ErrorBefore Fault = "500-before"   // POST: 500
	ErrorAfter  Fault = "500-after"    // POST: accepts, then 500
	ResetBefore Fault = "reset-before" // POST: the connection is reset
	ResetAfter  Fault = "reset-after"  // POST: accepts, then the connection is reset
	Hang        Fault = "hang"         // no answer, ever
	HangAfter   Fault = "hang-after"   // POST: accepts, then no answer, ever
	HTML        Fault = "html"         // 502 with the HTML page of a gateway
	HTMLAfter   Fault = "html-after"   // POST: accepts, then the page of the gateway
	Truncate    Fault = "truncate"     // the answer breaks off; a POST accepts
	Late        Fault = "late"         // POST: 504 at once, and accepts after LateBy
	NoHistory   Fault = "no-history"   // GET: 500, so that nobody can read what was accepted
)

// faultNames are all faults, in the order in which the draw goes through them.
var faultNames = []Fault{
	TooMany, OverQuota, ErrorIn200, ErrorBefore, ErrorAfter, ResetBefore, ResetAfter, Hang, HangAfter, HTML, HTMLAfter, Truncate, Late, NoHistory,
}

// target is what a call is, as far as faults tell calls apart.
type target uint8

const (
	anyCall     target = iota
	sendCall           // POST /v1/messages
	historyCall        // GET /v1/messages
)

// targetOf says what a call is.
func targetOf(c *call) target {
	switch {
	case len(c.segments) != 1 || c.segments[0] != "messages":
		return anyCall
	case c.method == http.MethodPost:
		return sendCall
	case c.method == http.MethodGet:
		return historyCall
	}
	return anyCall
}

// only is the kind of call that a fault touches alone; anyCall is every kind.
func (f Fault) only() target {
	switch f {
	case TooMany, OverQuota, ErrorIn200, Hang, HTML, Truncate:
		return anyCall
	case ErrorBefore, ErrorAfter, ResetBefore, ResetAfter, HangAfter, HTMLAfter, Late:
		return sendCall
	case NoHistory:
		return historyCall
	}
	return anyCall
}

// touches reports whether a fault can happen to a call.
func (f Fault) touches(t target) bool { return f.only() == anyCall || f.only() == t }

// accepts says whether a send that meets the fault is accepted nevertheless.
func (f Fault) accepts() bool {
	switch f {
	case ErrorAfter, ResetAfter, HangAfter, HTMLAfter, Truncate:
		return true
	case TooMany, OverQuota, ErrorIn200, ErrorBefore, ResetBefore, Hang, HTML, NoHistory, Late: // Late does so by itself
		return false
	}
	return false
}

// Faults says how often which fault happens. The zero value is a sound API.
type Faults struct {
	Share  map[Fault]float64 // of 1, for the calls that the fault can touch
	Seed   uint64            // the same seed and the same calls meet the same faults
	LateBy time.Duration     // how long after the answer a Late one is accepted; default 2 s
	Bound  time.Duration     // the longest Hang; default 10 minutes
}

// ParseFaults reads "429:3%,500-after:2%": names with shares, each a percentage
// or a part of 1. An empty text is no faults.
func ParseFaults(text string) (Faults, error) {
	f := Faults{Share: map[Fault]float64{}}
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		name, share, ok := strings.Cut(one, ":")
		fault := Fault(strings.TrimSpace(name))
		if !slices.Contains(faultNames, fault) {
			return Faults{}, fmt.Errorf("faults %q: there is no fault %q; write one of %s", text, fault, strings.Join(FaultNames(), ", "))
		}
		if !ok {
			return Faults{}, fmt.Errorf("faults %q: %s has no share; write %s:3%%", text, fault, fault)
		}
		if _, twice := f.Share[fault]; twice {
			return Faults{}, fmt.Errorf("faults %q: %s stands twice; keep one", text, fault)
		}
		v, err := parseShare(strings.TrimSpace(share))
		if err != nil {
			return Faults{}, fmt.Errorf("faults %q: %s: %w", text, fault, err)
		}
		f.Share[fault] = v
	}
	for _, t := range []target{anyCall, sendCall, historyCall} {
		total := 0.0
		for fault, share := range f.Share {
			if fault.touches(t) {
				total += share
			}
		}
		if total > 1+1e-9 {
			return Faults{}, fmt.Errorf("faults %q: the shares add up to %.4g%%; keep them at 100%% or below", text, total*100)
		}
	}
	return f, nil
}

func parseShare(text string) (float64, error) {
	digits, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		v /= 100
	}
	if err != nil || math.IsNaN(v) || v < 0 || v > 1 {
		return 0, fmt.Errorf("%q is no share; write a percentage from 0%% to 100%%, such as 3%%", text)
	}
	return v, nil
}

// FaultNames are the names that ParseFaults knows.
func FaultNames() []string {
	names := make([]string, len(faultNames))
	for i, n := range faultNames {
		names[i] = string(n)
	}
	return names
}

// String writes f as ParseFaults reads it.
func (f Faults) String() string {
	var parts []string
	for _, name := range faultNames {
		if v, ok := f.Share[name]; ok {
			parts = append(parts, string(name)+":"+strconv.FormatFloat(math.Round(v*1e8)/1e6, 'f', -1, 64)+"%")
		}
	}
	return strings.Join(parts, ",")
}

// fate draws faults. A draw depends on the call and on how often just this call
// was made before, not on the order of calls, so that concurrent runs meet the
// same faults.
type fate struct {
	faults Faults
	mu     sync.Mutex
	made   map[uint64]uint64
}

// draw decides about one call; "" is no fault.
func (f *fate) draw(t target, method, target string, body []byte) (Fault, *dice) {
	if len(f.faults.Share) == 0 {
		return "", nil
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s\n%s", method, target, body)
	call := h.Sum64()
	f.mu.Lock()
	if f.made == nil {
		f.made = map[uint64]uint64{}
	}
	times := f.made[call]
	f.made[call]++
	f.mu.Unlock()
	d := rollFor(f.faults.Seed, call, times, 'f')
	part := d.part()
	for _, name := range faultNames {
		if !name.touches(t) {
			continue
		}
		if part -= f.faults.Share[name]; part < 0 {
			return name, &d
		}
	}
	return "", nil
}
