package sandbox

import (
	"net/http"
	"strconv"
)

// success wraps what data writes in the API's envelope.
func success(data func(e *encoder)) answer {
	var e encoder
	e.b = append(e.b, `{"data":`...)
	data(&e)
	e.b = append(e.b, `,"status":"success"}`...)
	return answer{body: e.b}
}

// done is the answer of a call that gives nothing back.
func done() answer { return answer{body: []byte(`{"status":"success"}`)} }

// page is a part of a listing.
type page struct {
	limit, offset int
	room          []byte // to write it into, where that is enough
}

// The bounds of a page: more than maxLimit is cut down without a word.
const (
	defaultLimit = 20
	maxLimit     = 200
)

func (p params) page() page {
	out := page{limit: defaultLimit}
	if n, ok := p.number("limit"); ok && n > 0 {
		out.limit = int(min(n, maxLimit))
	}
	if n, ok := p.number("offset"); ok && n > 0 {
		out.offset = int(min(n, 1<<40))
	}
	return out
}

// of gives the bounds of the page in n rows.
func (p page) of(n int) (from, to int) {
	from = min(p.offset, n)
	return from, min(from+p.limit, n)
}

// list writes the rows of a page, each by its place, in the listing's envelope.
func list(p page, total int, row func(e *encoder, i int)) answer {
	from, to := p.of(total)
	return rows(p, strconv.Itoa(total), to-from, func(e *encoder, i int) { row(e, from+i) })
}

// rows writes n rows and a meta whose total is given as JSON.
func rows(p page, total string, n int, row func(e *encoder, i int)) answer {
	e := encoder{b: p.room}
	if room := 256 + n*512; cap(e.b) < room {
		e.b = make([]byte, 0, room)
	}
	e.b = append(e.b, `{"data":[`...)
	for i := range n {
		row(&e, i)
	}
	e.b = append(e.b, `],`...)
	e.b = append(e.b, `"meta":{"total":`...)
	e.b = append(e.b, total...)
	e.b = append(e.b, `,"limit":`...)
	e.b = strconv.AppendInt(e.b, int64(p.limit), 10)
	e.b = append(e.b, `,"offset":`...)
	e.b = strconv.AppendInt(e.b, int64(p.offset), 10)
	e.b = append(e.b, `},"status":"success"}`...)
	return answer{body: e.b}
}

// problem is an error answer; a field with texts goes into errors.
func problem(code int, message, field string, texts ...string) answer {
	var e encoder
	e.open('{')
	e.string("status", "error")
	e.string("message", message)
	if field != "" {
		e.key("errors")
		e.open('{')
		e.texts(field, texts)
		e.close('}')
	}
	e.close('}')
	return answer{code: code, body: e.b}
}

// invalid is how the API refuses a field.
func invalid(field, text string) answer {
	return problem(http.StatusBadRequest, "Validation failed", field, text)
}

func notFound(message string) answer { return problem(http.StatusNotFound, message, "") }

func tooMany(retryAfter string) answer {
	a := problem(http.StatusTooManyRequests, "Number of API requests exceeded", "")
	a.retryAfter = retryAfter
	return a
}

func overQuota() answer {
	return problem(http.StatusTooManyRequests, "API calls exceeded API limit per month", "")
}
