package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const pageSize = 200

// api calls the two endpoints that the jobs need.
type api struct {
	base, token string
	http        *http.Client
}

func newAPI(base, token string, inflight int) *api {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = inflight+1, inflight+1
	return &api{base: base, token: token, http: &http.Client{Transport: t}}
}

// client is what the jobs need of a client.
type client struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// listing is one page of clients.
type listing struct {
	Data []client `json:"data"`
	Meta struct {
		Total int `json:"total"`
	} `json:"meta"`
}

// page reads one page of clients.
func (a *api) page(ctx context.Context, limit, offset int) (listing, error) {
	var l listing
	url := a.base + "/v1/clients?limit=" + strconv.Itoa(limit) + "&offset=" + strconv.Itoa(offset)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return l, err
	}
	return l, a.do(req, &l)
}

// message is what is posted.
type message struct {
	ClientID int64  `json:"client_id"`
	Text     string `json:"text"`
}

// send posts one message and gives its id.
func (a *api) send(ctx context.Context, m message) (int64, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	var answer struct {
		Status string `json:"status"`
		Data   struct {
			MessageID int64 `json:"message_id"`
		} `json:"data"`
	}
	if err := a.do(req, &answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" || answer.Data.MessageID == 0 {
		return 0, fmt.Errorf("send to %d: the answer has no message id", m.ClientID)
	}
	return answer.Data.MessageID, nil
}

// do makes a call; one that is answered 429 is made again when the answer says.
func (a *api) do(req *http.Request, into any) error {
	req.Header.Set("Authorization", a.token)
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests {
		return a.again(req, resp, into)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", req.Method, req.URL.Path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	return err
}

// again waits as long as a 429 says, and no shorter than a second, and calls again.
func (a *api) again(req *http.Request, resp *http.Response, into any) error {
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	select {
	case <-time.After(time.Duration(max(after, 1)) * time.Second):
	case <-req.Context().Done():
		return req.Context().Err()
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return err
		}
		req.Body = body
	}
	return a.do(req, into)
}
