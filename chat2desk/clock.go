package chat2desk

import (
	"net/http"
	"time"
)

// toldTime is the last Date that was taken in.
type toldTime struct {
	text  string
	heard time.Time     // by our clock
	ahead time.Duration // how far the API's clock was before ours
}

// learnTime takes in the Date of an answer: what the API's clock shows. The same
// second told again within a second is nothing new.
func (c *Client) learnTime(h http.Header, now time.Time) {
	text := h.Get("Date")
	if last := c.told.Load(); last != nil && last.text == text && now.Sub(last.heard).Abs() < time.Second {
		return
	}
	if at, err := http.ParseTime(text); err == nil {
		c.told.Store(&toldTime{text, now, at.Sub(now)})
	}
}

// Now is what the API's clock shows, to the second, by the Date header of its
// last answer. Times of its records are compared with it and not with our clock,
// which may be wrong by hours. known is false as long as no answer had a Date;
// the time is then ours. That the clock behind the header is that of the
// records is inferred.
func (c *Client) Now() (at time.Time, known bool) {
	if last := c.told.Load(); last != nil {
		return c.now().Add(last.ahead), true
	}
	return c.now(), false
}
