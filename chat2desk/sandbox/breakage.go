package sandbox

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// gatewayPage is what stands in front of the API answers when it is down.
const gatewayPage = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<center><h1>502 Bad Gateway</h1></center>\n<hr>\n</body>\n</html>\n"

// fail answers a call as a fault has it. Of a fault that accepts, done is the answer that
// the call would get; perform does what was asked for.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault, d *dice, done answer, perform func()) {
	switch f {
	case TooMany:
		wait := "1"
		if d.percent(33) {
			wait = ""
		}
		write(w, tooMany(wait))
	case OverQuota:
		write(w, overQuota())
	case ErrorIn200:
		a := problem(http.StatusOK, "Something went wrong, try again later", "")
		write(w, a)
	case ErrorBefore, ErrorAfter, NoHistory:
		write(w, problem(http.StatusInternalServerError, "Internal server error", ""))
	case ResetBefore, ResetAfter:
		reset(w)
	case Hang, HangAfter:
		s.pause(r.Context(), s.options.Faults.Bound)
		panic(http.ErrAbortHandler)
	case HTML, HTMLAfter:
		write(w, answer{code: http.StatusBadGateway, body: []byte(gatewayPage), html: true})
	case Truncate:
		truncate(w, done)
	case Late:
		s.late.Add(1)
		go func() {
			defer s.late.Done()
			t := time.NewTimer(s.options.Faults.LateBy)
			defer t.Stop()
			select {
			case <-t.C:
			case <-s.done:
			}
			perform()
		}()
		write(w, problem(http.StatusGatewayTimeout, "Timeout", ""))
	}
}

// truncate promises the whole answer and gives a half of it.
func truncate(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.code != 0 {
		w.WriteHeader(a.code)
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// reset closes the connection the hard way, so that the caller reads "connection
// reset" and not a tidy end; where there is no connection it aborts.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
