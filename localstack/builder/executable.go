package builder

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// executable is what a file that can be run is built for.
type executable struct {
	goos, arch  string // in Go's words; arch is "" if it is none of those below
	interpreter string // of a script, or the dynamic linker of a program; "" for a static program
	script      bool
}

// forAnother begins the reason of unfit for a program for another system.
const forAnother = "it is for "

// unfit returns why this machine cannot run an executable, or "".
func unfit(path string) string {
	x, err := inspect(path)
	if err != nil {
		return err.Error()
	}
	host := runtime.GOOS + "/" + runtime.GOARCH
	switch {
	case x.script && runtime.GOOS == "windows":
		return "it is a script, and this machine is " + host
	case !x.script && (x.goos != runtime.GOOS || x.arch != runtime.GOARCH):
		return fmt.Sprintf("%s%s/%s, and this machine is %s", forAnother, x.goos, x.arch, host)
	case x.interpreter == "":
		return ""
	}
	if _, err := os.Stat(x.interpreter); err != nil && x.script {
		return "it is a script for " + x.interpreter + ", which is not on this machine"
	} else if err != nil {
		return "it needs the dynamic linker " + x.interpreter + ", which is not on this machine " +
			"(a static program needs none: CGO_ENABLED=0)"
	}
	return ""
}

// archOf returns the processor of a program in Go's words, or "".
func archOf(path string) string {
	x, err := inspect(path)
	if err != nil {
		return ""
	}
	return x.arch
}

// inspect reads the head of an executable.
func inspect(path string) (executable, error) {
	file, err := os.Open(path)
	if err != nil {
		return executable{}, fmt.Errorf("it cannot be read: %w", err)
	}
	defer file.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(file, head) // a short file has a short head
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return script(head)
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return elfProgram(file)
	case bytes.HasPrefix(head, []byte("MZ")):
		return peProgram(file)
	}
	if x, err := machoProgram(file); err == nil {
		return x, nil
	}
	if info, err := buildinfo.Read(file); err == nil { // a Go program in another format
		x := executable{goos: "another system", arch: "unknown"}
		for _, setting := range info.Settings {
			switch setting.Key {
			case "GOOS":
				x.goos = setting.Value
			case "GOARCH":
				x.arch = setting.Value
			}
		}
		return x, nil
	}
	return executable{}, fmt.Errorf("it is neither a program nor a script with #! in its first line")
}

// script returns the interpreter in the first line. env looks for it in PATH.
func script(head []byte) (executable, error) {
	line, _, _ := strings.Cut(string(head[2:]), "\n")
	words := strings.Fields(line)
	if len(words) == 0 {
		return executable{}, fmt.Errorf("its first line names no interpreter")
	}
	if strings.HasSuffix(line, "\r") {
		return executable{}, fmt.Errorf("its first line ends with a carriage return; save it with Unix line ends")
	}
	x := executable{script: true, interpreter: words[0]}
	if filepath.Base(words[0]) == "env" && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		x.interpreter = words[1]
		if path, err := exec.LookPath(words[1]); err == nil {
			x.interpreter = path
		}
	}
	return x, nil
}

func elfProgram(file io.ReaderAt) (executable, error) {
	f, err := elf.NewFile(file)
	if err != nil {
		return executable{}, fmt.Errorf("it is a damaged ELF file: %w", err)
	}
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return executable{}, fmt.Errorf("it is an ELF file, but no program")
	}
	x := executable{goos: "linux", arch: strings.TrimPrefix(f.Machine.String(), "EM_")}
	if f.OSABI == elf.ELFOSABI_FREEBSD {
		x.goos = "freebsd"
	}
	for machine, arch := range map[elf.Machine]string{
		elf.EM_X86_64:  "amd64",
		elf.EM_AARCH64: "arm64",
		elf.EM_386:     "386",
		elf.EM_ARM:     "arm",
	} {
		if f.Machine == machine {
			x.arch = arch
		}
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name, err := io.ReadAll(p.Open())
			if err != nil {
				return executable{}, fmt.Errorf("it is a damaged ELF file: %w", err)
			}
			x.interpreter = strings.TrimRight(string(name), "\x00")
		}
	}
	return x, nil
}

func peProgram(file io.ReaderAt) (executable, error) {
	f, err := pe.NewFile(file)
	if err != nil {
		return executable{}, fmt.Errorf("it is a damaged program for Windows: %w", err)
	}
	x := executable{goos: "windows", arch: fmt.Sprintf("machine %#x", f.Machine)}
	switch f.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		x.arch = "amd64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		x.arch = "arm64"
	}
	return x, nil
}

// machoProgram accepts a program for macOS of one processor. A universal one
// has a part for each, so its processor is that of this machine.
func machoProgram(file io.ReaderAt) (executable, error) {
	if fat, err := macho.NewFatFile(file); err == nil {
		defer fat.Close()
		return executable{goos: "darwin", arch: runtime.GOARCH}, nil
	}
	f, err := macho.NewFile(file)
	if err != nil {
		return executable{}, err
	}
	x := executable{goos: "darwin", arch: f.Cpu.String()}
	switch f.Cpu {
	case macho.CpuAmd64:
		x.arch = "amd64"
	case macho.CpuArm64:
		x.arch = "arm64"
	}
	return x, nil
}
