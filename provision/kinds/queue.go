package kinds

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/queues"
)

type queueSettings struct {
	Binding                string         `json:"binding,omitempty"`
	DeliveryDelay          *int           `json:"delivery_delay,omitempty"`
	MessageRetentionPeriod *int           `json:"message_retention_period,omitempty"`
	Consumer               *queueConsumer `json:"consumer,omitempty"`
}

// queueConsumer is what the manifest says of who reads a queue. It is resolved
// into a resource of its own: it goes before the queue and before the Worker.
type queueConsumer struct {
	Worker          string `json:"worker,omitempty"`
	DeadLetterQueue string `json:"dead_letter_queue,omitempty"`
	consumerTuning
}

var queueNaming = naming{form(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`), "1 to 63 small letters, digits and -, not at either end", 63}

var _ = register(kind[queueSettings]{
	name:       "queue",
	permission: "Queues Write",
	page:       "{account}/workers/queues/view/{id}",
	tags:       tagging{kind: "queue"},
	schema: `{
	"description": "A queue, with its consumer.",
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sends to it.", "examples": ["JOBS"]},
		"delivery_delay": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0, "description": "Seconds before a message is delivered."},
		"message_retention_period": {"type": "integer", "minimum": 60, "maximum": 1209600, "default": 345600, "description": "Seconds that a message is kept. The Free plan keeps one day."},
		"consumer": {
			"type": "object", "additionalProperties": false, "description": "Who reads the queue: a Worker, or whoever pulls over HTTP.",
			"properties": {
				"worker": {"type": "string", "description": "Logical name of the Worker. Left out: messages are pulled over HTTP.", "examples": ["app"]},
				"dead_letter_queue": {"type": "string", "description": "Logical name of the queue for messages that failed for good.", "examples": ["jobs-dlq"]},
				"batch_size": {"type": "integer", "minimum": 1, "maximum": 100},
				"max_retries": {"type": "integer", "minimum": 0, "maximum": 100},
				"max_wait_time_ms": {"type": "integer", "minimum": 0, "maximum": 60000, "description": "Milliseconds to wait for a batch to fill."},
				"max_concurrency": {"type": "integer", "minimum": 1, "maximum": 250},
				"retry_delay": {"type": "integer", "minimum": 0, "maximum": 43200, "description": "Seconds before a failed message is delivered again."},
				"visibility_timeout_ms": {"type": "integer", "minimum": 1000, "maximum": 43200000, "description": "Only for messages pulled over HTTP: how long one is hidden from others."}
			}
		}
	}
}`,
	naming:   queueNaming,
	local:    []string{"binding", "consumer"},
	defaults: map[string]any{"delivery_delay": 0, "message_retention_period": 345600},
	store:    true,
	settles:  []int{11000},
	clears:   []int{11005},
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve:  resolveQueue,
	read: func(ctx context.Context, c *Client, w wanted[queueSettings]) (o provision.Observed, err error) {
		id, data := w.ID, ""
		if id == "" {
			q, err := c.queue(ctx, "", w.Name)
			if err != nil || q.ID == "" {
				return o, err
			}
			id = q.ID
		}
		var q queueAnswer
		var g group
		g.Go(func() (err error) { q, err = c.queue(ctx, w.ID, w.Name); return err })
		if w.WithData {
			g.Go(func() error {
				e, err := get[struct {
					Backlog float64 `json:"backlog_count"`
				}](ctx, c, "accounts/"+c.Account+"/queues/"+id+"/metrics", nil)
				data = some(int(e.Result.Backlog), false, "message")
				return unlessGone(err, 11000)
			})
		}
		if err := g.Wait(); err != nil || q.ID == "" {
			return o, err
		}
		return provision.Observed{Exists: true, ID: q.ID, Name: q.Name, Created: q.Created, Data: data, Settings: provision.Settings{
			"delivery_delay":           float64(q.Settings.DeliveryDelay),
			"message_retention_period": float64(q.Settings.MessageRetentionPeriod),
		}}, nil
	},
	create: func(ctx context.Context, c *Client, s step[queueSettings]) (made[queueSettings], error) {
		var e envelope[queueAnswer]
		_, err := queues.NewQueueService(c.options...).New(ctx, inAccount[queues.QueueNewParams](c), body(wireQueue(s)), into(&e))
		if codeIs(err, 11009) {
			return made[queueSettings]{}, exists(err)
		}
		return madeAs[queueSettings](e.Result.ID, "", err)
	},
	update: func(ctx context.Context, c *Client, s step[queueSettings]) error {
		var e envelope[any]
		_, err := queues.NewQueueService(c.options...).Edit(ctx, s.ID, inAccount[queues.QueueEditParams](c), body(wireQueue(s)), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[queueSettings]) error {
		var e envelope[any]
		_, err := queues.NewQueueService(c.options...).Delete(ctx, s.ID, inAccount[queues.QueueDeleteParams](c), into(&e))
		return unlessGone(err, 11000)
	},
	bind: func(e provision.Entry, s queueSettings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		return []provision.Binding{{Section: []string{"queues", "producers"}, Match: field("binding", s.Binding), Set: fields("queue", e.Name)}}
	},
})

type wireQueueBody struct {
	Name     string         `json:"queue_name"`
	Settings map[string]int `json:"settings,omitempty"`
}

func wireQueue(s step[queueSettings]) wireQueueBody {
	w := wireQueueBody{Name: s.Name, Settings: map[string]int{}}
	set := func(name string, v *int, def int) {
		if v != nil {
			w.Settings[name] = *v
		} else if s.changes(name) {
			w.Settings[name] = def
		}
	}
	set("delivery_delay", s.S.DeliveryDelay, 0)
	set("message_retention_period", s.S.MessageRetentionPeriod, 345600)
	return w
}

type queueAnswer struct {
	ID       string    `json:"queue_id"`
	Name     string    `json:"queue_name"`
	Created  time.Time `json:"created_on"`
	Settings struct {
		DeliveryDelay          int `json:"delivery_delay"`
		MessageRetentionPeriod int `json:"message_retention_period"`
	} `json:"settings"`
	Consumers []consumerAnswer `json:"consumers"`
}

// queue reads a queue by its id, or by its name where the id is not known. The
// filter by name is not documented, but it is wrangler's own way; pages are
// followed in case it is ever ignored.
func (c *Client) queue(ctx context.Context, id, name string) (queueAnswer, error) {
	if id != "" {
		return remember(c, "queue "+id, func() (queueAnswer, error) {
			var e envelope[queueAnswer]
			_, err := queues.NewQueueService(c.options...).Get(ctx, id, inAccount[queues.QueueGetParams](c), into(&e))
			return e.Result, unlessGone(whole(err, e.Result.ID), 11000)
		})
	}
	return remember(c, "queue named "+name, func() (queueAnswer, error) {
		for page := 1; ; page++ {
			e, err := get[[]queueAnswer](ctx, c, "accounts/"+c.Account+"/queues", url.Values{"name": {name}, "page": {fmt.Sprint(page)}})
			if err != nil {
				return queueAnswer{}, err
			}
			if i := slices.IndexFunc(e.Result, func(q queueAnswer) bool { return q.Name == name }); i >= 0 {
				return e.Result[i], nil
			}
			if len(e.Result) == 0 || e.Info.TotalPages <= page || e.Info.Page != page {
				return queueAnswer{}, nil
			}
		}
	})
}

// resolveQueue splits the consumer off.
func resolveQueue(in provision.Spec, s *queueSettings, r *resolution) error {
	if s.Consumer == nil {
		return nil
	}
	from := in.Key
	consumer := provision.Resource{Key: provision.Key{Kind: "consumer", Name: in.Key.Name}, Refs: []provision.Key{in.Key}}
	settings := consumerSettings{consumerTuning: s.Consumer.consumerTuning, Type: "http_pull"}
	consumer.Name = "http_pull"
	if w := s.Consumer.Worker; w != "" {
		to := provision.Key{Kind: "worker", Name: w}
		r.refer(consumer.Key, to, "/consumer/worker")
		consumer.Refs = append(consumer.Refs, to)
		settings.Type = "worker"
		settings.Worker = workerNaming.realName(in, w)
		consumer.Name = settings.Worker
		if s.Consumer.VisibilityTimeoutMs != nil {
			return &provision.SettingError{Path: "/consumer/visibility_timeout_ms", Text: "a Worker's messages have no visibility timeout",
				Hints: []string{"leave it out, or leave out \"worker\" so that messages are pulled over HTTP"}}
		}
	} else if setting := workerOnly(s.Consumer.consumerTuning); setting != "" {
		return &provision.SettingError{Path: "/consumer/" + setting, Text: "messages that are pulled over HTTP know no " + setting,
			Hints: []string{`leave it out, or name the "worker" that reads the queue`}}
	}
	if q := s.Consumer.DeadLetterQueue; q != "" {
		to := provision.Key{Kind: "queue", Name: q}
		r.refer(consumer.Key, to, "/consumer/dead_letter_queue")
		if to == from {
			return &provision.SettingError{Path: "/consumer/dead_letter_queue", Text: "a queue cannot be its own dead-letter queue"}
		}
		consumer.Refs = append(consumer.Refs, to)
		settings.DeadLetterQueue = queueNaming.realName(in, q)
	}
	settings.Queue = queueNaming.realName(in, in.Key.Name)
	consumer.Identity = settings.Queue
	consumer.Settings, consumer.Local = split(settings, consumerLocal)
	r.extra = append(r.extra, consumer)
	s.Consumer = nil
	return nil
}

// workerOnly names a setting that only a Worker's consumer has, if one is given.
func workerOnly(t consumerTuning) string {
	switch {
	case t.MaxWaitTimeMs != nil:
		return "max_wait_time_ms"
	case t.MaxConcurrency != nil:
		return "max_concurrency"
	}
	return ""
}
