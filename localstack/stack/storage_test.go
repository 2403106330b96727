package stack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/stack"
)

const tableAndKey = `
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties: {Description: test}
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: items
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
`

// runOnce starts a stack of a table and a key on the data folder and stops it,
// and returns the error of the start.
func runOnce(t *testing.T, data string) error {
	t.Helper()
	template := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(template, []byte(tableAndKey), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := stack.New(stack.Options{Template: template, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Start(t.Context())
	if e := s.Close(); e != nil {
		t.Error(e)
	}
	return err
}

// wantWayOut checks that the error names a file, and that the command in it
// lets the stack begin again.
func wantWayOut(t *testing.T, data, file string) {
	t.Helper()
	err := runOnce(t, data)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "restore "+data) &&
		!strings.Contains(err.Error(), "restore "+filepath.Join(data, "kms")) {
		t.Fatalf("got %v, want an error that names %s and what to do", err, file)
	}
	_, command, _ := strings.Cut(err.Error(), "begin again: rm -r ")
	for _, path := range strings.Fields(command) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := runOnce(t, data); err != nil {
		t.Errorf("after rm -r %s: got %v, want a stack that starts", command, err)
	}
}

func TestLostKeysAreNoticed(t *testing.T) {
	for _, name := range []string{"kms", "kms/*.key"} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			for range 2 {
				if err := runOnce(t, data); err != nil {
					t.Fatal(err)
				}
			}
			lost, err := filepath.Glob(filepath.Join(data, filepath.FromSlash(name)))
			if err != nil || len(lost) != 1 {
				t.Fatalf("got %v, %v, want one path", lost, err)
			}
			if err := os.RemoveAll(lost[0]); err != nil {
				t.Fatal(err)
			}
			wantWayOut(t, data, filepath.Join(data, "kms"))
		})
	}
}

// A folder of a version that did not list its keys shows the loss by the
// missing folder.
func TestLostKeysWithoutAList(t *testing.T) {
	data := t.TempDir()
	if err := runOnce(t, data); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kms", "keys.json"} {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
	wantWayOut(t, data, filepath.Join(data, "kms"))
}

// Without tables nothing can be lost.
func TestKeysAndTablesLostTogether(t *testing.T) {
	data := t.TempDir()
	if err := runOnce(t, data); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kms", "dynamodb"} {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := runOnce(t, data); err != nil {
		t.Errorf("got %v, want a stack that begins again", err)
	}
}

func TestDamagedDataHasAWayOut(t *testing.T) {
	for _, name := range []string{"kms/*.key", "kms/states.json", "dynamodb/MANIFEST-*"} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			if err := runOnce(t, data); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(data, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) == 0 { // a stack without changed keys has no states
				files = []string{filepath.Join(data, filepath.FromSlash(name))}
			}
			for _, file := range files {
				if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			wantWayOut(t, data, filepath.Dir(files[0]))
		})
	}
}
