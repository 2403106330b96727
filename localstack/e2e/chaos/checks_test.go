package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sotto-chat/sotto/shared/chat"
)

// decisionTimeout is how long the checker may take for one partition. A
// partition that it cannot decide counts as a problem.
const decisionTimeout = 2 * time.Minute

// view is one room's log as one client saw it, from the first message.
type view struct {
	who   string
	room  chat.Room
	texts []text
}

// lostOrDuplicated checks the first promise: every acknowledged message is in
// every log exactly once, at the acknowledged seq, and all logs are the same.
// log is that of a client that read at the end; it contains only what was sent
// to that room.
func lostOrDuplicated(log view, others []view, operations []*operation) (problems []string, lost int) {
	sent := map[text]*operation{}
	for _, o := range operations {
		if o.Kind == kindSend && o.Room == log.room {
			sent[o.Text] = o
		}
	}
	places := map[text][]chat.Seq{}
	for i, t := range log.texts {
		places[t] = append(places[t], chat.Seq(i+1))
		if sent[t] == nil {
			problems = append(problems, fmt.Sprintf("%s: got text %d at seq %d, which no client sent there",
				log.room, t, i+1))
		}
	}
	for t, seqs := range places {
		if len(seqs) > 1 {
			problems = append(problems, fmt.Sprintf("%s: got text %d at the seqs %v, want one seq", log.room, t, seqs))
		}
	}
	for t, o := range sent {
		if o.answered() && !slices.Contains(places[t], o.Seq) {
			problems = append(problems, fmt.Sprintf("%s: got text %d at the seqs %v, want seq %d as acknowledged",
				log.room, t, places[t], o.Seq))
			lost++
		}
	}
	for _, v := range others {
		if v.room == log.room && !slices.Equal(v.texts, log.texts) {
			problems = append(problems, fmt.Sprintf("%s: %s", log.room, difference(v, log)))
		}
	}
	slices.Sort(problems)
	return problems, lost
}

// difference describes where two views first differ.
func difference(v, log view) string {
	for i := range min(len(v.texts), len(log.texts)) {
		if v.texts[i] != log.texts[i] {
			return fmt.Sprintf("at seq %d %s has text %d, %s has text %d", i+1, v.who, v.texts[i], log.who,
				log.texts[i])
		}
	}
	return fmt.Sprintf("%s has %d messages, %s has %d", v.who, len(v.texts), log.who, len(log.texts))
}

// sendsByPlace returns the send of each message in the logs.
func sendsByPlace(logs []view, operations []*operation) map[chat.Room]map[chat.Seq]*operation {
	byText := map[text]*operation{}
	for _, o := range operations {
		if o.Kind == kindSend {
			byText[o.Text] = o
		}
	}
	places := map[chat.Room]map[chat.Seq]*operation{}
	for _, log := range logs {
		places[log.room] = map[chat.Seq]*operation{}
		for i, t := range log.texts {
			places[log.room][chat.Seq(i+1)] = byText[t]
		}
	}
	return places
}

// seals returns an operation for everything that was sealed to a device. The
// service read its key between the send of the message and its arrival, or
// between the request of a page and its answer.
func (h *history) seals(places map[chat.Room]map[chat.Seq]*operation) (seals []*operation, problems []string) {
	gen := func(user chat.User, key string) int64 {
		g, known := h.generation[key]
		if !known {
			problems = append(problems, fmt.Sprintf("%s: got something sealed to %s, which is not a key of its device",
				user, key))
		}
		return g
	}
	for _, d := range h.deliveries {
		sent := places[d.Room][d.Seq]
		if sent == nil {
			problems = append(problems, fmt.Sprintf("%s: got a message at %s %d, which is not in the log", d.User,
				d.Room, d.Seq))
			continue
		}
		seals = append(seals, &operation{
			Kind:   kindSealed,
			User:   d.User,
			Call:   sent.Call,
			Return: d.At,
			Room:   d.Room,
			Seq:    d.Seq,
			Gen:    gen(d.User, d.Key),
			Row:    fmt.Sprintf("connection %d in %s", d.Connection, d.Room),
		})
	}
	for _, p := range h.pages {
		seals = append(seals, &operation{
			Kind:   kindSealed,
			User:   p.User,
			Call:   p.Call,
			Return: p.Return,
			Gen:    gen(p.User, p.Key),
		})
	}
	return seals, problems
}

// stale checks the second promise: nothing is sealed to a key older than the
// last rotation that was acknowledged before the send began.
func stale(seals, operations []*operation) (problems []string) {
	for _, s := range seals {
		for _, r := range operations {
			if r.Kind == kindRotate && r.User == s.User && r.Return < s.Call && r.Gen > s.Gen {
				problems = append(problems,
					fmt.Sprintf("%s: %s %d was sealed to generation %d, want at least %d, acknowledged before the send", s.User, s.Room, s.Seq, s.Gen, r.Gen))
				break
			}
		}
	}
	return problems
}

// partition is a part of the history whose linearizability does not depend on
// the other parts.
type partition struct {
	name       string
	model      porcupine.Model
	operations []porcupine.Operation
}

// logPartitions returns a partition for each room's log.
//
// An append without an answer gets the seq at which its text is in the log at
// the end, and may take effect at any later time. If its text is not there, the
// append is left out, as if it never happened: had it been in the log earlier,
// a read would have returned a text that no append explains.
func logPartitions(logs []view, operations []*operation) (partitions []partition) {
	for _, log := range logs {
		p := partition{name: "log of " + string(log.room), model: roomLog}
		last := instant(0)
		for _, o := range operations {
			if o.Room != log.room {
				continue
			}
			op := porcupine.Operation{Call: int64(o.Call), Return: int64(o.Return)}
			switch at := slices.Index(log.texts, o.Text); {
			case o.Kind == kindSend && o.answered():
				op.Input, op.Output = appendText(o.Text), o.Seq
			case o.Kind == kindSend && at >= 0:
				op.Input, op.Output = appendText(o.Text), chat.Seq(at+1)
			case o.Kind == kindRead && o.answered():
				op.Input, op.Output = readPage(o.After), page{head: o.Head, from: o.From, texts: o.Texts}
			case o.Kind == kindHead && o.answered():
				op.Input, op.Output = askHead{}, o.Head
			default:
				continue
			}
			p.operations = append(p.operations, op)
			last = max(last, o.Call)
			if o.answered() {
				last = max(last, o.Return)
			}
		}
		// The log at the end is one more read.
		p.operations = append(p.operations, porcupine.Operation{
			Input:  readPage(0),
			Output: page{head: chat.Seq(len(log.texts)), from: 1, texts: log.texts},
			Call:   int64(last + 1),
			Return: int64(last + 2),
		})
		partitions = append(partitions, p)
	}
	return partitions
}

// keyPartitions returns a partition for each place from which the service reads
// a device's key before it seals: the device's row, and a row for each
// connection and room. A rotation writes them one after the other, and promises
// something of all of them only when it is acknowledged, so each of them is a
// register.
func keyPartitions(seals, operations []*operation) (partitions []partition) {
	rotations := map[chat.User][]porcupine.Operation{}
	for _, o := range operations {
		if o.Kind == kindRotate {
			rotations[o.User] = append(rotations[o.User], porcupine.Operation{
				Input:  rotate(o.Gen),
				Call:   int64(o.Call),
				Return: int64(o.Return),
			})
		}
	}
	rows := map[string]*partition{}
	for _, s := range seals {
		name := cmp.Or(s.Row, "device")
		name = fmt.Sprintf("key of %s: %s", s.User, name)
		if rows[name] == nil {
			rows[name] = &partition{name: name, model: keyRegister, operations: slices.Clone(rotations[s.User])}
		}
		rows[name].operations = append(rows[name].operations, porcupine.Operation{
			Input:  seal(s.Gen),
			Call:   int64(s.Call),
			Return: int64(s.Return),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		partitions = append(partitions, *rows[name])
	}
	return partitions
}

// linearizable returns the partitions that are not linearizable, or that the
// checker could not decide.
func linearizable(partitions []partition) (problems []string) {
	for _, p := range partitions {
		if verdict := porcupine.CheckOperationsTimeout(p.model, p.operations,
			decisionTimeout); verdict != porcupine.Ok {
			problems = append(problems, fmt.Sprintf("%s: got %s from the linearizability check of %d operations, want Ok", p.name, verdict,
				len(p.operations)))
		}
	}
	return problems
}
