package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// patience is how long an answer is waited for that comes eventually.
const patience = 30 * time.Second

// An asker makes requests one after another, and keeps what they save.
type asker struct {
	origin string
	client http.Client
	saved  map[string]string
	asked  []answered
	close  func()
}

// answered is which request was answered with what.
type answered struct {
	method, path string
	status       int
}

func newAsker() *asker {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	a := &asker{saved: map[string]string{"receiver": receiver.URL}, close: receiver.Close}
	a.client.Timeout = 30 * time.Second
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return a
}

// at says where the project answers from now on.
func (a *asker) at(origin string) { a.origin, a.saved["origin"] = origin, origin }

// ask makes a request as often as it takes, and says what is wrong with the answer.
func (a *asker) ask(ctx context.Context, r request) error {
	time.Sleep(time.Duration(r.After * float64(time.Second)))
	for range r.Times - 1 {
		if _, err := a.made(ctx, r); err != nil {
			return err
		}
	}
	for began := time.Now(); ; pause(time.Since(began)) {
		got, err := a.made(ctx, r)
		if err == nil {
			err = a.compared(r, got)
		}
		if err == nil {
			err = a.keep(r, got)
		}
		if err == nil || !r.Eventually || time.Since(began) > patience {
			return err
		}
	}
}

// pause is short at first; then it must not use up what a key may ask in a minute.
func pause(since time.Duration) {
	if since < patience/6 {
		time.Sleep(250 * time.Millisecond)
	} else {
		time.Sleep(time.Second)
	}
}

// An answer is compared with what it has to be.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *asker) made(ctx context.Context, r request) (answer, error) {
	a.saved["ulid"], a.saved["today"] = newID(), time.Now().UTC().Format(time.DateOnly)
	if r.WebSocket != "" {
		return a.spoken(ctx, r)
	}
	return a.requested(ctx, r)
}

func (a *asker) requested(ctx context.Context, r request) (answer, error) {
	method, path := r.Method, a.filled(r.Path)
	if method == "" {
		method = http.MethodGet
	}
	if r.Cron != "" {
		path = "/cdn-cgi/handler/scheduled?cron=" + url.QueryEscape(r.Cron)
	}
	text, kind := a.body(r)
	req, err := http.NewRequestWithContext(ctx, method, a.origin+path, strings.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, value := range r.Headers {
		req.Header.Set(name, a.filled(value))
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", r, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", r, err)
	}
	a.asked = append(a.asked, answered{method, req.URL.Path, resp.StatusCode})
	return answer{resp.StatusCode, resp.Header, b}, nil
}

// body is what a request carries, and its type.
func (a *asker) body(r request) (text, kind string) {
	if r.Form != nil {
		form := url.Values{}
		for k, v := range r.Form {
			form.Set(k, a.filled(v))
		}
		return form.Encode(), "application/x-www-form-urlencoded"
	}
	if r.Body == nil {
		return "", ""
	}
	return a.filled(asText(r.Body)), "application/json"
}

// asText is a JSON string's text, or any other value as it stands.
func asText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

// filled puts what was saved in place of its names.
func (a *asker) filled(text string) string {
	for name, value := range a.saved {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// newID is a ULID: the time in 10 characters, and 16 that are nobody else's.
func newID() string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	id := make([]byte, 26)
	_, _ = rand.Read(id)
	for i := range id {
		id[i] = alphabet[id[i]%32]
	}
	for i, ms := 9, time.Now().UnixMilli(); i >= 0; i, ms = i-1, ms/32 {
		id[i] = alphabet[ms%32]
	}
	return string(id)
}

// spoken opens a WebSocket, says something, and hears until all is heard that has
// to be. What was heard is the answer, a message a line.
func (a *asker) spoken(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	header := http.Header{}
	for name, value := range r.Headers {
		header.Set(name, a.filled(value))
	}
	address := "ws" + strings.TrimPrefix(a.origin, "http") + a.filled(r.WebSocket)
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: header})
	if resp == nil {
		return answer{}, fmt.Errorf("%s: %w", r, err)
	}
	got := answer{status: resp.StatusCode, header: resp.Header}
	a.asked = append(a.asked, answered{http.MethodGet, resp.Request.URL.Path, resp.StatusCode})
	if err != nil {
		got.body, _ = io.ReadAll(resp.Body) // as much of it as the library keeps
		return got, nil
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	if r.Send != nil {
		if err := conn.Write(ctx, websocket.MessageText, []byte(a.filled(asText(r.Send)))); err != nil {
			return got, fmt.Errorf("%s: %w", r, err)
		}
	}
	for _, m := range r.Meanwhile {
		if err := a.ask(ctx, m); err != nil {
			return got, fmt.Errorf("%s, meanwhile: %w", r, err)
		}
	}
	for !a.hasAll(r, got.body) {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return got, fmt.Errorf("%s: %w; it was heard:\n%.2000s\nwant %q", r, err, got.body, []string(r.Has))
		}
		got.body = append(append(got.body, message...), '\n')
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
	return got, nil
}

func (a *asker) hasAll(r request, body []byte) bool {
	return !slices.ContainsFunc(r.Has, func(h string) bool { return !strings.Contains(string(body), a.filled(h)) })
}

// compared says in what an answer is not as it has to be.
func (a *asker) compared(r request, got answer) error {
	want := r.Status
	switch {
	case want == nil && r.WebSocket != "":
		want = statuses{http.StatusSwitchingProtocols}
	case want == nil:
		want = statuses{http.StatusOK}
	}
	var wrong []string
	if !slices.Contains(want, got.status) {
		wrong = append(wrong, fmt.Sprintf("status %d, want %d", got.status, want))
	}
	for _, h := range r.Has {
		if h = a.filled(h); !bytes.Contains(got.body, []byte(h)) {
			wrong = append(wrong, fmt.Sprintf("it lacks %q", h))
		}
	}
	for _, l := range r.Lacks {
		if l = a.filled(l); bytes.Contains(got.body, []byte(l)) {
			wrong = append(wrong, fmt.Sprintf("%q stands in it", l))
		}
	}
	for place, want := range r.Values {
		if text, is := want.(string); is {
			want = a.filled(text)
		}
		if found, err := valueAt(got.body, place); err != nil || found != want {
			wrong = append(wrong, fmt.Sprintf("%s is %v (%v), want %v", place, found, err, want))
		}
	}
	for name, want := range r.Answered {
		found, is := strings.Join(got.header.Values(name), ", "), len(got.header.Values(name)) > 0
		if want == "" && is || want != "" && !strings.Contains(found, a.filled(want)) {
			wrong = append(wrong, fmt.Sprintf("header %s is %q, want %q", name, found, want))
		}
	}
	if wrong != nil {
		return fmt.Errorf("%s: %s:\n%.1000s", r, strings.Join(wrong, "; "), got.body)
	}
	return nil
}

func (a *asker) keep(r request, got answer) error {
	for name, place := range r.Save {
		if header, is := strings.CutPrefix(place, "header "); is {
			value := got.header.Get(header)
			if strings.EqualFold(header, "set-cookie") {
				value, _, _ = strings.Cut(value, ";") // as it is sent back
			}
			if value == "" {
				return fmt.Errorf("%s: there is no header %s to save", r, header)
			}
			a.saved[name] = value
			continue
		}
		found, err := valueAt(got.body, place)
		if err != nil || found == nil {
			return fmt.Errorf("%s: nothing to save at %s: %w\n%.1000s", r, place, err, got.body)
		}
		a.saved[name] = fmt.Sprint(found)
	}
	return nil
}

// valueAt is the string, number, truth or nothing at a dotted place in a JSON text.
// Of a list or an object it is the length, as "data.length".
func valueAt(text []byte, place string) (any, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	for step := range strings.SplitSeq(place, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, is := at[step]
			if !is {
				return nil, fmt.Errorf("it has no %s", step)
			}
			v = next
		case []any:
			n, err := strconv.Atoi(step)
			switch {
			case step == "length":
				v = float64(len(at))
			case err != nil || n >= len(at):
				return nil, fmt.Errorf("a list of %d has no %s", len(at), step)
			default:
				v = at[n]
			}
		default:
			return nil, fmt.Errorf("%s is of nothing that has parts", step)
		}
	}
	switch v.(type) {
	case map[string]any, []any:
		return nil, errors.New("it is no single value")
	}
	return v, nil
}
