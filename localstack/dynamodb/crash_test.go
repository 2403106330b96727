package dynamodb

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// crashDir turns the test binary into an engine's process, for TestKill.
var crashDir = flag.String("crashdir", "", "serve an engine on this folder until killed")

func TestMain(m *testing.M) {
	flag.Parse()
	if *crashDir == "" {
		os.Exit(m.Run())
	}
	if err := serveUntilKilled(*crashDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveUntilKilled(dir string) error {
	e, err := Open(Options{Dir: dir})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return http.Serve(listener, e)
}

// startChild runs an engine in a new process.
func startChild(t testing.TB, dir string) (client *sdk.Client, kill func()) {
	t.Helper()
	c := start(t, exec.Command(os.Args[0], "-crashdir", dir))
	return newClient(c.url), c.kill
}

// child is a process that serves DynamoDB.
type child struct {
	url  string
	pid  int
	kill func()
}

// start runs a program whose first line of output ends with its URL.
func start(t testing.TB, cmd *exec.Cmd) *child {
	t.Helper()
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		cmd.Process.Kill() // SIGKILL
		cmd.Wait()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v", cmd.Args[0], err)
	}
	line = strings.TrimSpace(line)
	return &child{line[strings.LastIndexByte(line, ' ')+1:], cmd.Process.Pid, kill}
}

// crashWriter writes until its engine is killed. Every write of step i contains
// i.
type crashWriter struct {
	id    int
	put   []int // steps whose put was answered
	acked int   // the last step whose writes were all answered
	tried int   // the last step that was started
}

func (w *crashWriter) name(suffix string) types.AttributeValue {
	return str(fmt.Sprintf("w%d%s", w.id, suffix))
}

// step puts an item, moves another one in the index and puts two in a
// transaction.
func (w *crashWriter) step(client *sdk.Client, i int) error {
	ctx, table := context.Background(), aws.String("crash")
	group := str(fmt.Sprint("g", i%5))
	far := num(time.Now().Add(time.Duration(1+i) * time.Hour).Unix())
	if _, err := client.PutItem(ctx, &sdk.PutItemInput{TableName: table,
		Item: item{"pk": w.name("-log"), "sk": num(i), "group": group, "expires": far,
			"fill": str(long(200 + i%800))}}); err != nil {
		return err
	}
	w.put = append(w.put, i)
	if _, err := client.UpdateItem(ctx, &sdk.UpdateItemInput{
		TableName:                 table,
		Key:                       item{"pk": w.name("-at"), "sk": num(0)},
		UpdateExpression:          aws.String("SET step = :i, #g = :g, expires = :e"),
		ExpressionAttributeNames:  map[string]string{"#g": "group"},
		ExpressionAttributeValues: item{":i": num(i), ":g": group, ":e": far},
	}); err != nil {
		return err
	}
	pair := func(suffix string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: table,
			Item:      item{"pk": w.name(suffix), "sk": num(0), "step": num(i), "group": group},
		}}
	}
	_, err := client.TransactWriteItems(ctx,
		&sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{pair("-left"), pair("-right")}})
	return err
}

func (w *crashWriter) run(client *sdk.Client, answered *atomic.Int64) {
	for {
		w.tried++
		if err := w.step(client, w.tried); err != nil {
			return
		}
		w.acked = w.tried
		answered.Add(1)
	}
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	setUp := open(t, Options{Dir: dir})
	setUp.createTable(t, "crash", "pk S, sk N", []index{{"by-group", "group S, sk N", "ALL"}}, nil)
	if _, err := setUp.UpdateTimeToLive(t.Context(), &sdk.UpdateTimeToLiveInput{TableName: aws.String("crash"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String("expires"),
			Enabled:       aws.Bool(true),
		}}); err != nil {
		t.Fatal(err)
	}
	if err := setUp.engine.Close(); err != nil {
		t.Fatal(err)
	}
	writers := make([]*crashWriter, 4)
	for i := range writers {
		writers[i] = &crashWriter{id: i}
	}
	for round := range 4 {
		client, kill := startChild(t, dir)
		var answered atomic.Int64
		var running sync.WaitGroup
		for _, w := range writers {
			running.Go(func() { w.run(client, &answered) })
		}
		goal := 10 + rand.Int64N(150)
		eventually(t, "enough steps answered", func() bool { return answered.Load() >= goal })
		kill()
		running.Wait()
		checkAfterKill(t, dir, round, writers)
	}
}

// checkAfterKill opens the folder of a killed engine and checks the data.
func checkAfterKill(t *testing.T, dir string, round int, writers []*crashWriter) {
	t.Helper()
	e, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	f := serveFixture(t, e)
	defer f.server.Close()
	rows := f.scanAll(t, "crash", "")
	step := func(key string) int {
		it, ok := rows[key]
		if !ok {
			return 0
		}
		i, err := strconv.Atoi(it["step"].(*types.AttributeValueMemberN).Value)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	for _, w := range writers {
		for _, i := range w.put {
			if _, ok := rows[fmt.Sprintf("w%d-log %d", w.id, i)]; !ok {
				t.Errorf("round %d: writer %d: put %d was answered, but its item is missing", round, w.id, i)
			}
		}
		at, left, right := step(fmt.Sprintf("w%d-at 0",
			w.id)), step(fmt.Sprintf("w%d-left 0", w.id)), step(fmt.Sprintf("w%d-right 0", w.id))
		if at < w.acked || at > w.tried || left < w.acked || left > w.tried || left != right {
			t.Errorf("round %d: writer %d: got at %d, left %d, right %d; want all from %d to %d, left and right the same", round, w.id, at,
				left, right, w.acked, w.tried)
		}
	}
	same(t, "index", f.scanAll(t, "crash", "by-group"), rows)
	d := f.describe(t, "crash")
	same(t, "counted", []int64{*d.ItemCount, *d.GlobalSecondaryIndexes[0].ItemCount},
		[]int64{int64(len(rows)), int64(len(rows))})
	tab, err := e.store.Table("crash")
	if err != nil {
		t.Fatal(err)
	}
	expiring, err := e.store.Expired(tab, 0, 1<<40, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, it := range rows {
		if _, ok := it["expires"]; ok {
			want++
		}
	}
	same(t, "expiry index", len(expiring), want)
}

// scanAll reads all items of a table or an index, by key.
func (f *fixture) scanAll(t testing.TB, table, index string) map[string]item {
	t.Helper()
	in := &sdk.ScanInput{TableName: &table}
	if index != "" {
		in.IndexName = &index
	}
	rows := make(map[string]item)
	for {
		out, err := f.Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range out.Items {
			k := it["pk"].(*types.AttributeValueMemberS).Value + " " + it["sk"].(*types.AttributeValueMemberN).Value
			if _, twice := rows[k]; twice {
				t.Errorf("got %s twice in %s %s, want once", k, table, index)
			}
			rows[k] = it
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return rows
		}
	}
}
