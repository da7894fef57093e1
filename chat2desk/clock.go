package chat2desk

import (
	"net/http"
	"time"
)

// learnTime takes in the Date of an answer: what the API's clock shows.
func (c *Client) learnTime(h http.Header) {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		ahead := at.Sub(c.now())
		c.ahead.Store(&ahead)
	}
}

// Now is what the API's clock shows, to the second, by the Date header of its
// last answer. Times of its records are compared with it and not with our clock,
// which may be wrong by hours. known is false as long as no answer had a Date;
// the time is then ours. That the clock behind the header is that of the
// records is inferred.
func (c *Client) Now() (at time.Time, known bool) {
	if ahead := c.ahead.Load(); ahead != nil {
		return c.now().Add(*ahead), true
	}
	return c.now(), false
}
