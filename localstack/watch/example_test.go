package watch_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sotto-chat/sotto/localstack/watch"
)

func Example() {
	dir, err := os.MkdirTemp("", "src-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w, err := watch.New(watch.Options{Folders: []string{dir}})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	select {
	case files := <-w.Changes():
		fmt.Println(filepath.Base(files[0]))
	case err := <-w.Errors():
		log.Fatal(err)
	}
	// Output: main.go
}
