package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"sync"
)

// queue is a queue as it is kept; consumers and messages are records of their own.
type queue struct {
	row
	Account, Name, Jurisdiction string
	Settings                    queueSettings
	Modified                    string
	Purged                      string // when last, "" never
}

type queueSettings struct {
	Delay     int  `json:"delivery_delay"` // seconds
	Paused    bool `json:"delivery_paused"`
	Retention int  `json:"message_retention_period"` // seconds
}

// usualSettings are a new queue's: kept four days.
var usualSettings = queueSettings{Retention: 345600}

func (s *Server) registerQueues() {
	const base = "accounts/{account}/queues"
	s.on("POST", base, groupQueues, s.createQueue)
	s.on("GET", base, groupQueues, s.listQueues)
	s.on("GET", base+"/{queue}", groupQueues, s.getQueue)
	s.on("PUT", base+"/{queue}", groupQueues, s.putQueue)
	s.on("PATCH", base+"/{queue}", groupQueues, s.patchQueue)
	s.on("DELETE", base+"/{queue}", groupQueues, s.deleteQueue)
	s.registerConsumers(base + "/{queue}")
	s.registerMessages(base + "/{queue}")
}

var queueName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) })

var (
	errBadQueueBody = refuse(http.StatusBadRequest, 10026, "Invalid request body")
	errNoQueue      = refuse(http.StatusNotFound, 11000, "Queue not found")
)

type queueBody struct {
	Name         *string          `json:"queue_name"`
	Jurisdiction string           `json:"jurisdiction"`
	Settings     *json.RawMessage `json:"settings"`
}

// apply checks and takes the body's name and settings.
func (s *Server) apply(c *call, q *queue, in queueBody) error {
	if in.Name != nil && *in.Name != q.Name {
		if !queueName().MatchString(*in.Name) {
			return refuse(http.StatusBadRequest, 11003, "Invalid queue name: %s. Must match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", *in.Name)
		}
		if _, taken := s.queuesByName.one(c.account.ID, *in.Name); taken {
			// guess: the text.
			return refuse(http.StatusConflict, 11009, "Queue name '%s' is already taken. Please use a different name and try again.", *in.Name)
		}
		q.Name = *in.Name
	}
	if in.Settings != nil {
		if err := json.Unmarshal(*in.Settings, &q.Settings); err != nil {
			return errBadQueueBody
		}
	}
	// guess: the limits' code; that they are 12 hours and 60 s to 14 days is documented.
	if st := q.Settings; st.Delay < 0 || st.Delay > 43200 || st.Retention < 60 || st.Retention > 1209600 {
		return refuse(http.StatusBadRequest, 10026, "Invalid queue settings")
	}
	q.Modified = micros(c.x.now)
	return nil
}

func (s *Server) createQueue(c *call) (*reply, error) {
	var in queueBody
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	if in.Name == nil {
		in.Name = new(string)
	}
	if *in.Name == "" {
		return nil, refuse(http.StatusBadRequest, 11003, "Invalid queue name: . Must match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
	}
	if in.Jurisdiction != "" && !slices.Contains([]string{"eu", "us", "fedramp"}, in.Jurisdiction) {
		return nil, errBadQueueBody
	}
	if err := full(len(s.queuesByAge.within(c.account.ID)), c.account.limits().queues, "queues"); err != nil {
		return nil, err
	}
	q := &queue{row: row{ID: newID()}, Account: c.account.ID, Jurisdiction: in.Jurisdiction, Settings: usualSettings}
	if err := s.apply(c, q, in); err != nil {
		return nil, err
	}
	s.queues.put(c.x, q)
	return ok(s.showQueue(q))
}

type queueView struct {
	ID             string         `json:"queue_id"`
	Name           string         `json:"queue_name"`
	CreatedOn      string         `json:"created_on"`
	ModifiedOn     string         `json:"modified_on"`
	Producers      []producerView `json:"producers"`
	ProducersTotal int            `json:"producers_total_count"`
	Consumers      []any          `json:"consumers"`
	ConsumersTotal int            `json:"consumers_total_count"`
	Settings       queueSettings  `json:"settings"`
	Jurisdiction   string         `json:"jurisdiction,omitempty"`
}

type producerView struct {
	Type   string `json:"type"`
	Script string `json:"script_name"`
	// wrangler reads these two.
	Service     string `json:"service"`
	Environment string `json:"environment"`
}

func (s *Server) showQueue(q *queue) any {
	v := queueView{ID: q.ID, Name: q.Name, CreatedOn: micros(q.Made), ModifiedOn: q.Modified,
		Producers: []producerView{}, Consumers: []any{}, Settings: q.Settings, Jurisdiction: q.Jurisdiction}
	for _, script := range s.linkedTo(q.Account, linkQueue, q.Name) {
		v.Producers = append(v.Producers, producerView{"worker", script, script, "production"})
	}
	for _, e := range s.consumersByQueue.within(q.ID) {
		view := s.showConsumer(q, e.row)
		if e.row.Type == "worker" {
			// Here the API has both names; a consumer's own GET has only "script".
			view["script_name"] = e.row.Script
		}
		v.Consumers = append(v.Consumers, view)
	}
	v.ProducersTotal, v.ConsumersTotal = len(v.Producers), len(v.Consumers)
	return v
}

func (s *Server) listQueues(c *call) (*reply, error) {
	all := s.queuesByAge.within(c.account.ID)
	if names := c.query["name"]; len(names) > 0 {
		all = nil
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			all = append(all, s.queuesByName.all(c.account.ID, name)...)
		}
	}
	return paged(s, c, all, pageSize{100, 1000}, s.showQueue)
}

func (s *Server) theQueue(c *call) (*queue, error) {
	id := c.params["queue"]
	if !isHex(id, 32) {
		return nil, refuse(http.StatusBadRequest, 10107, "Invalid queue id")
	}
	q, has := find(s, c, s.queues, id)
	if !has || q.Account != c.account.ID {
		return nil, errNoQueue
	}
	return q, nil
}

func (s *Server) getQueue(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	return ok(s.showQueue(q))
}

// putQueue sets everything; settings that are left out fall back to a new
// queue's. guess: that they do.
func (s *Server) putQueue(c *call) (*reply, error) {
	return s.updateQueue(c, func(q *queue) { q.Settings = usualSettings })
}

func (s *Server) patchQueue(c *call) (*reply, error) { return s.updateQueue(c, func(*queue) {}) }

func (s *Server) updateQueue(c *call, prepare func(*queue)) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	var in queueBody
	if err := c.decode(&in, errBadQueueBody); err != nil {
		return nil, err
	}
	next := *q
	prepare(&next)
	if err := s.apply(c, &next, in); err != nil {
		return nil, err
	}
	s.queues.put(c.x, &next)
	return ok(s.showQueue(&next))
}

func (s *Server) deleteQueue(c *call) (*reply, error) {
	q, err := s.theQueue(c)
	if err != nil {
		return nil, err
	}
	if by := s.linkedTo(q.Account, linkQueue, q.Name); len(by) > 0 {
		// guess: status and text.
		return nil, refuse(http.StatusBadRequest, 11005, "Cannot delete queue: it is used by a binding of the Worker %s", by[0])
	}
	// guess: a queue's consumers go with it; no guard is known.
	for _, e := range slices.Clone(s.consumersByQueue.within(q.ID)) {
		s.consumers.remove(c.x, e.row.ID)
	}
	s.dropMessages(c, q)
	s.queues.remove(c.x, q.ID)
	s.removeTags(c.x, "queue", q.ID)
	return ok(nil)
}
