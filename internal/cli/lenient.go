package cli

import (
	"fmt"
	"io"
)

// lenient goes on when nobody reads standard output any more: what is sent to
// people does not depend on who watches.
type lenient struct {
	w    io.Writer
	warn io.Writer
	gone bool
}

func (l *lenient) Write(p []byte) (int, error) {
	if !l.gone {
		if _, err := l.w.Write(p); err != nil {
			l.gone = true
			fmt.Fprintf(l.warn, "warning: standard output cannot be written (%s); what the flow prints is lost\n", cause(err))
		}
	}
	return len(p), nil
}
