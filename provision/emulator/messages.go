package emulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// message is a message in a queue's backlog. Workers do not run here, so only
// an HTTP pull or a purge takes messages out.
type message struct {
	row
	Queue    string
	Body     string // as pull returns it: text, or base64 of JSON
	Kind     string // text, json, bytes
	Size     int    // bytes
	Attempts int
	NotUntil time.Time // delayed or leased
	Lease    string
}

func (s *Server) registerMessages(base string) {
	s.on("POST", base+"/messages", groupQueues, s.pushMessage)
	s.on("POST", base+"/messages/batch", groupQueues, s.pushMessages)
	s.on("POST", base+"/messages/pull", groupQueues, s.pullMessages)
	s.on("POST", base+"/messages/ack", groupQueues, s.ackMessages)
	s.on("POST", base+"/messages/peek", groupQueues, s.peekMessages)
	s.on("GET", base+"/metrics", groupQueues, s.queueMetrics)
	s.on("POST", base+"/purge", groupQueues, s.purgeQueue)
	s.on("GET", base+"/purge", groupQueues, s.purgeStatus)
}

type metricsView struct {
	Bytes  int   `json:"backlog_bytes"`
	Count  int   `json:"backlog_count"`
	Oldest int64 `json:"oldest_message_timestamp_ms"`
}

func (s *Server) metricsOf(q *queue) metricsView {
	var m metricsView
	for _, e := range s.messagesByQueue.within(q.ID) {
		if m.Count == 0 {
			m.Oldest = e.row.Made.UnixMilli()
		}
		m.Count++
		m.Bytes += e.row.Size
	}
	return m
}

func (s *Server) queueMetrics(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	return ok(s.metricsOf(q))
}

type messageBody struct {
	Body  json.RawMessage `json:"body"`
	Kind  string          `json:"content_type"`
	Delay int             `json:"delay_seconds"`
}

func (s *Server) push(c *call, q *queue, in messageBody) error {
	m := &message{row: row{ID: newID()}, Queue: q.ID, Kind: in.Kind, Size: len(in.Body)}
	switch in.Kind {
	case "text", "":
		m.Kind = "text"
		if json.Unmarshal(in.Body, &m.Body) != nil {
			return refuse(http.StatusBadRequest, 10207, "Invalid message body: content_type text needs a string")
		}
		m.Size = len(m.Body)
	case "json":
		if len(in.Body) == 0 {
			return refuse(http.StatusBadRequest, 10207, "Invalid message body")
		}
		m.Body = base64.StdEncoding.EncodeToString(in.Body)
	default:
		return refuse(http.StatusBadRequest, 10207, "Invalid message body: unknown content_type")
	}
	if m.Size > 128*1000 {
		return refuse(http.StatusRequestEntityTooLarge, 10207, "Message is too large")
	}
	if in.Delay > 0 {
		m.NotUntil = c.x.now.Add(time.Duration(in.Delay) * time.Second)
	}
	s.messages.put(c.x, m)
	return nil
}

func (s *Server) pushed(q *queue) (*reply, error) {
	return ok(map[string]any{"metadata": map[string]any{"metrics": s.metricsOf(q)}})
}

func (s *Server) pushMessage(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	var in messageBody
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	if err := s.push(c, q, in); err != nil {
		return nil, err
	}
	return s.pushed(q)
}

func (s *Server) pushMessages(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Delay    int           `json:"delay_seconds"`
		Messages []messageBody `json:"messages"`
	}
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	for _, m := range in.Messages {
		if m.Delay == 0 {
			m.Delay = in.Delay
		}
		if err := s.push(c, q, m); err != nil {
			return nil, err
		}
	}
	return s.pushed(q)
}

func showMessage(m *message) map[string]any {
	return map[string]any{"id": m.ID, "body": m.Body, "attempts": m.Attempts, "timestamp_ms": m.Made.UnixMilli(),
		"metadata": map[string]any{"CF-Content-Type": m.Kind, "CF-sourceMessageSource": "api"}}
}

type batchBody struct {
	Size       int `json:"batch_size"`
	Visibility int `json:"visibility_timeout_ms"`
}

func (c *call) batch() (batchBody, error) {
	in := batchBody{Size: 5, Visibility: 30000}
	if len(c.body) == 0 {
		return in, nil
	}
	err := c.decode(&in, errBadQueueBody)
	return in, err
}

func (s *Server) pullMessages(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	in, err := c.batch()
	if err != nil {
		return nil, err
	}
	pulls := func(e entry[*consumer]) bool { return e.row.Type == "http_pull" }
	if !slices.ContainsFunc(s.consumersByQueue.within(q.ID), pulls) {
		return nil, refuse(http.StatusBadRequest, 0, "messages cannot be pulled unless http_pull mode is enabled")
	}
	list := []any{}
	for _, e := range slices.Clone(s.messagesByQueue.within(q.ID)) {
		if len(list) == in.Size || q.Settings.Paused {
			break
		}
		if e.row.NotUntil.After(c.x.now) {
			continue
		}
		m := *e.row
		m.Attempts++
		m.Lease = newID()
		m.NotUntil = c.x.now.Add(time.Duration(in.Visibility) * time.Millisecond)
		s.messages.put(c.x, &m)
		v := showMessage(&m)
		v["lease_id"] = m.Lease
		list = append(list, v)
	}
	m := s.metricsOf(q)
	return ok(map[string]any{"messages": list, "message_backlog_count": m.Count, "metadata": map[string]any{"metrics": m}})
}

func (s *Server) peekMessages(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	in, err := c.batch()
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range s.messagesByQueue.within(q.ID) {
		if len(list) == in.Size {
			break
		}
		list = append(list, showMessage(e.row))
	}
	return ok(map[string]any{"messages": list})
}

func (s *Server) ackMessages(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	type lease struct {
		ID    string `json:"lease_id"`
		Delay int    `json:"delay_seconds"`
	}
	var in struct {
		Acks    []lease `json:"acks"`
		Retries []lease `json:"retries"`
	}
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	leased := map[string]*message{}
	for _, e := range s.messagesByQueue.within(q.ID) {
		if e.row.Lease != "" {
			leased[e.row.Lease] = e.row
		}
	}
	acked, retried, warnings := 0, 0, map[string]string{}
	for _, l := range in.Acks {
		m := leased[l.ID]
		if m == nil {
			warnings[l.ID] = "unknown lease"
			continue
		}
		s.messages.remove(c.x, m.ID)
		acked++
	}
	for _, l := range in.Retries {
		m := leased[l.ID]
		if m == nil {
			warnings[l.ID] = "unknown lease"
			continue
		}
		again := *m
		again.Lease, again.NotUntil = "", c.x.now.Add(time.Duration(l.Delay)*time.Second)
		s.messages.put(c.x, &again)
		retried++
	}
	return ok(map[string]any{"ackCount": acked, "retryCount": retried, "warnings": warnings})
}

func (s *Server) dropMessages(c *call, q *queue) {
	for _, e := range slices.Clone(s.messagesByQueue.within(q.ID)) {
		s.messages.remove(c.x, e.row.ID)
	}
}

func (s *Server) purgeQueue(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Forever bool `json:"delete_messages_permanently"`
	}
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	if !in.Forever {
		// guess: code and text.
		return nil, refuse(http.StatusBadRequest, 10026, "delete_messages_permanently must be true")
	}
	s.dropMessages(c, q)
	next := *q
	next.Purged = micros(c.x.now)
	s.queues.put(c.x, &next)
	return ok(s.showQueue(&next))
}

func (s *Server) purgeStatus(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"started_at": q.Purged, "completed": "true"})
}
