package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
)

// consumer reads a queue: a Worker, or whoever pulls over HTTP.
type consumer struct {
	row
	Account, Queue, Type, Script, Environment, DeadLetters string
	Settings                                               consumerSettings
}

type consumerSettings struct {
	BatchSize      int  `json:"batch_size"`
	MaxRetries     int  `json:"max_retries"`
	RetryDelay     int  `json:"retry_delay"`                     // seconds
	MaxWait        *int `json:"max_wait_time_ms,omitempty"`      // worker
	MaxConcurrency *int `json:"max_concurrency,omitempty"`       // worker; nil: as many as it takes
	Visibility     *int `json:"visibility_timeout_ms,omitempty"` // http_pull
}

// usualConsumer are the documented defaults.
func usualConsumer(kind string) consumerSettings {
	wait, visible := 5000, 30000
	st := consumerSettings{BatchSize: 10, MaxRetries: 3}
	if kind == "worker" {
		st.MaxWait = &wait
		return st
	}
	st.Visibility = &visible
	return st
}

func (s *Server) registerConsumers(base string) {
	s.on("POST", base+"/consumers", groupQueues, s.createConsumer)
	s.on("GET", base+"/consumers", groupQueues, s.listConsumers)
	s.on("GET", base+"/consumers/{consumer}", groupQueues, s.getConsumer)
	s.on("PUT", base+"/consumers/{consumer}", groupQueues, s.putConsumer)
	s.on("DELETE", base+"/consumers/{consumer}", groupQueues, s.deleteConsumer)
}

type consumerBody struct {
	Type        string           `json:"type"`
	Script      string           `json:"script_name"`
	Environment string           `json:"environment_name"`
	DeadLetters string           `json:"dead_letter_queue"`
	Settings    *json.RawMessage `json:"settings"`
}

func (s *Server) createConsumer(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	var in consumerBody
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	made := &consumer{row: row{ID: newID()}, Account: c.account.ID, Queue: q.ID, Type: in.Type}
	if in.Type == "worker" {
		if err := s.checkConsumer(c, in.Script); err != nil {
			return nil, err
		}
		made.Script, made.Environment = in.Script, in.Environment
	}
	// One consumer of each type. guess: for http_pull.
	for _, e := range s.consumersByQueue.within(q.ID) {
		if e.row.Type == in.Type {
			return nil, refuse(http.StatusBadRequest, 11004, "workers.api.error.consumer_exists: the queue already has a consumer")
		}
	}
	if err := made.take(in); err != nil {
		return nil, err
	}
	s.consumers.put(c.x, made)
	return ok(s.showWritten(q, made))
}

// checkConsumer says whether a script can read a queue.
func (s *Server) checkConsumer(c *call, name string) error {
	w, err := s.scriptNamed(c, name)
	if err != nil {
		return err
	}
	if v, has := s.latest(w); has && !slices.Contains(v.Handlers, "queue") {
		return refuse(http.StatusBadRequest, 11001, "Queue consumer script %s: queue handler is missing", name)
	}
	return nil
}

// take checks and sets what both POST and PUT set. Whether the dead letter
// queue must exist is unknown. guess: it need not.
func (k *consumer) take(in consumerBody) error {
	if in.Type != "worker" && in.Type != "http_pull" {
		return errBadQueueBody
	}
	st := usualConsumer(k.Type)
	if in.Settings != nil {
		if err := json.Unmarshal(*in.Settings, &st); err != nil {
			return errBadQueueBody
		}
	}
	tooMuch := st.BatchSize < 1 || st.BatchSize > 100 || st.MaxRetries < 0 || st.MaxRetries > 100 ||
		st.MaxWait != nil && (*st.MaxWait < 0 || *st.MaxWait > 60000) ||
		st.MaxConcurrency != nil && (*st.MaxConcurrency < 1 || *st.MaxConcurrency > 250)
	if tooMuch {
		return refuse(http.StatusBadRequest, 10026, "Invalid consumer settings")
	}
	k.Settings, k.DeadLetters = st, in.DeadLetters
	return nil
}

// showConsumer is a consumer as GET and the list show it.
func (s *Server) showConsumer(q *queue, k *consumer) map[string]any {
	v := map[string]any{"consumer_id": k.ID, "queue_name": q.Name, "type": k.Type, "created_on": micros(k.Made),
		"settings": k.Settings}
	if k.Type == "worker" {
		v["script"] = k.Script
		v["environment"] = cmp.Or(k.Environment, "production")
	}
	if k.DeadLetters != "" {
		v["dead_letter_queue"] = k.DeadLetters
	}
	return v
}

// showWritten is a consumer as POST and PUT answer it.
func (s *Server) showWritten(q *queue, k *consumer) map[string]any {
	v := s.showConsumer(q, k)
	if k.Type == "worker" {
		v["script_name"] = k.Script
	}
	return v
}

func (s *Server) listConsumers(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	return paged(s, c, s.consumersByQueue.within(q.ID), pageSize{100, 100}, func(k *consumer) any { return s.showConsumer(q, k) })
}

func (s *Server) theConsumer(c *call) (*queue, *consumer, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, nil, err
	}
	k, has := find(s, c, s.consumers, c.params["consumer"])
	if !has || k.Queue != q.ID {
		return nil, nil, refuse(http.StatusNotFound, 11006, "Consumer not found")
	}
	return q, k, nil
}

func (s *Server) getConsumer(c *call) (*reply, error) {
	q, k, err := s.theConsumer(c)
	if err != nil {
		return nil, err
	}
	return ok(s.showConsumer(q, k))
}

// putConsumer changes settings and dead letter queue. A changed script_name it
// ignores without a word, as Cloudflare does; an unknown one it refuses.
func (s *Server) putConsumer(c *call) (*reply, error) {
	q, k, err := s.theConsumer(c)
	if err != nil {
		return nil, err
	}
	var in consumerBody
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	if in.Script != "" {
		if _, err := s.scriptNamed(c, in.Script); err != nil {
			return nil, err
		}
	}
	next := *k
	if err := next.take(in); err != nil {
		return nil, err
	}
	s.consumers.put(c.x, &next)
	return ok(s.showWritten(q, &next))
}

func (s *Server) deleteConsumer(c *call) (*reply, error) {
	_, k, err := s.theConsumer(c)
	if err != nil {
		return nil, err
	}
	s.consumers.remove(c.x, k.ID)
	return ok(nil)
}
