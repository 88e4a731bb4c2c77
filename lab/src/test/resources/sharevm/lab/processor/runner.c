/*
 * Runs single instructions on the host's own processor.
 *
 * A batch of cases lies in a shared file (layout: HostLayout.java). For each case the signal
 * handler writes the case's state into its own signal frame and returns, so that the kernel loads
 * the complete state and goes on at an IRET to the instruction, since not every kernel lets a
 * return from a signal set all flags. Whatever ends it (the INT3 bytes behind it, a fault, a fetch
 * from an unmapped page after a branch) enters the handler again, whose frame then holds the
 * complete state afterwards, with vector, error code and CR2 as the processor gave them.
 *
 * usage: runner FILE    then one decimal count per line on stdin; "done\n" on stdout per batch.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE_ADDRESS 0x10000000ul
#define CODE_SIZE 0x4000ul
#define DATA_ADDRESS 0x20000000ul
#define DATA_SIZE 0x2000ul
#define STACK_ADDRESS 0x30000000ul
#define STACK_SIZE 0x1000ul
#define IMAGE_SIZE (DATA_SIZE + STACK_SIZE)

#define HEADER_SIZE 0x4000ul
#define SLOT_SIZE 4096ul
#define OUTCOME_OFFSET 1024ul
#define FX_USED 416 /* header, eight x87 registers, sixteen XMM registers */
#define PATCH_ROOM 192
#define DIFF_ROOM (SLOT_SIZE - OUTCOME_OFFSET - sizeof(struct state) - 16)

#define VECTOR_HANG 255

struct state {
  uint64_t gpr[16]; /* in the order of their numbers: RAX RCX RDX RBX RSP RBP RSI RDI R8..R15 */
  uint64_t rip, rflags, fs_base, gs_base;
  uint16_t cs, ds, es, ss, fs, gs;
  uint32_t unused;
  uint8_t fx[512];
};

struct input {
  struct state state;
  uint8_t code_length, patch_bytes;
  uint8_t code[22];
  uint8_t patches[PATCH_ROOM]; /* {u16 image offset, u16 length, bytes}... */
};

struct outcome {
  struct state state;
  uint32_t vector, error_code;
  uint32_t diff_bytes, diff_truncated;
  uint64_t cr2;
  uint8_t diffs[]; /* {u16 image offset, u16 length, bytes}... */
};

static const int REGISTER_ORDER[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15};

static uint8_t *shared;      /* the file */
static uint8_t *code_alias;  /* the code pages, writable */
static uint8_t *expected;    /* what the data and stack pages hold before the instruction */
static uint32_t count, index_;
static int running, alarms, keeps_bases;
static struct state main_state;
static struct {
  uint64_t rip, cs, rflags, rsp, ss;
} iret_frame;

static void copy(void *to, const void *from, size_t n) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

static long system_call(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

static uint64_t get_base(int gs) {
  uint64_t base;
  if (gs) __asm__ volatile("rdgsbase %0" : "=r"(base));
  else __asm__ volatile("rdfsbase %0" : "=r"(base));
  return base;
}

static void set_base(int gs, uint64_t base) {
  if (gs) __asm__ volatile("wrgsbase %0" ::"r"(base));
  else __asm__ volatile("wrfsbase %0" ::"r"(base));
}

/*
 * A kernel that does not know of WRFSBASE and WRGSBASE puts its own bases back when it switches
 * tasks. They are made the program's own FS base, which no case has, so that this can be seen.
 */
static void mark_bases(void) {
  if (keeps_bases) return;
  system_call(SYS_arch_prctl, ARCH_SET_FS, (long)main_state.fs_base, 0, 0);
  system_call(SYS_arch_prctl, ARCH_SET_GS, (long)main_state.fs_base, 0, 0);
}

static int has_lost_bases(const struct state *s) {
  return s->fs_base == main_state.fs_base || s->gs_base == main_state.fs_base;
}

static uint8_t *memory_at(size_t image_offset) {
  return image_offset < DATA_SIZE ? (uint8_t *)DATA_ADDRESS + image_offset
                                  : (uint8_t *)STACK_ADDRESS + (image_offset - DATA_SIZE);
}

static void save_state(struct state *s, ucontext_t *uc) {
  greg_t *g = uc->uc_mcontext.gregs;
  for (int i = 0; i < 16; i++) s->gpr[i] = (uint64_t)g[REGISTER_ORDER[i]];
  s->rip = (uint64_t)g[REG_RIP];
  s->rflags = (uint64_t)g[REG_EFL];
  s->cs = (uint16_t)g[REG_CSGSFS];
  s->ss = (uint16_t)((uint64_t)g[REG_CSGSFS] >> 48);
  __asm__ volatile("mov %%ds, %0" : "=r"(s->ds));
  __asm__ volatile("mov %%es, %0" : "=r"(s->es));
  __asm__ volatile("mov %%fs, %0" : "=r"(s->fs));
  __asm__ volatile("mov %%gs, %0" : "=r"(s->gs));
  s->fs_base = get_base(0);
  s->gs_base = get_base(1);
  uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
  uint64_t xstate_bv = *(uint64_t *)(fx + 512);
  copy(s->fx, fx, FX_USED);
  /* XSAVE leaves out components that are in their initial state. */
  if (!(xstate_bv & 1)) {
    for (int i = 0; i < 160; i++)
      if (i < 24 || i >= 32) s->fx[i] = 0;
    s->fx[0] = 0x7f;
    s->fx[1] = 0x03;
  }
  if (!(xstate_bv & 2))
    for (int i = 160; i < FX_USED; i++) s->fx[i] = 0;
}

static void load_state(const struct state *s, ucontext_t *uc) {
  greg_t *g = uc->uc_mcontext.gregs;
  for (int i = 0; i < 16; i++) g[REGISTER_ORDER[i]] = (greg_t)s->gpr[i];
  g[REG_RIP] = (greg_t)s->rip;
  g[REG_EFL] = (greg_t)s->rflags;
  g[REG_CSGSFS] = (greg_t)((uint64_t)s->cs | (uint64_t)s->ss << 48);
  mark_bases();
  __asm__ volatile("mov %0, %%ds" ::"r"(s->ds));
  __asm__ volatile("mov %0, %%es" ::"r"(s->es));
  __asm__ volatile("mov %0, %%fs" ::"r"(s->fs));
  __asm__ volatile("mov %0, %%gs" ::"r"(s->gs));
  set_base(0, s->fs_base);
  set_base(1, s->gs_base);
  uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
  copy(fx, s->fx, 28);
  copy(fx + 32, s->fx + 32, FX_USED - 32);
  *(uint64_t *)(fx + 512) |= 3;
}

static struct input *input_of(uint32_t i) {
  return (struct input *)(shared + HEADER_SIZE + i * SLOT_SIZE);
}

static void begin_case(ucontext_t *uc) {
  struct input *in = input_of(index_);
  copy(code_alias + (in->state.rip - CODE_ADDRESS), in->code, in->code_length);
  for (size_t p = 0; p < in->patch_bytes;) {
    uint16_t offset = *(uint16_t *)(in->patches + p), length = *(uint16_t *)(in->patches + p + 2);
    copy(expected + offset, in->patches + p + 4, length);
    copy(memory_at(offset), in->patches + p + 4, length);
    p += 4u + length;
  }
  alarms = 0;
  load_state(&in->state, uc);
}

static void restore_memory(size_t offset, size_t length) {
  copy(expected + offset, shared + offset, length);
  copy(memory_at(offset), shared + offset, length);
}

/* Writes the runs of changed bytes of one region and puts the memory back as it was. */
static uint32_t collect_diffs(uint8_t *out, uint32_t used, size_t from, size_t to,
                              uint32_t *truncated) {
  for (size_t at = from; at < to;) {
    const uint64_t *a = (const uint64_t *)(expected + at), *b = (const uint64_t *)memory_at(at);
    if (!((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))) {
      at += 32;
      continue;
    }
    size_t first = at;
    while (expected[first] == *memory_at(first)) first++;
    size_t last = at + 31;
    while (expected[last] == *memory_at(last)) last--;
    size_t length = last - first + 1;
    if (used + 4 + length > DIFF_ROOM) {
      *truncated = 1;
    } else {
      *(uint16_t *)(out + used) = (uint16_t)first;
      *(uint16_t *)(out + used + 2) = (uint16_t)length;
      copy(out + used + 4, memory_at(first), length);
      used += 4 + (uint32_t)length;
    }
    restore_memory(first, length);
    at += 32;
  }
  return used;
}

/* Returns whether the case was carried out; else it has to be done again. */
static int end_case(int sig, ucontext_t *uc) {
  struct input *in = input_of(index_);
  struct outcome *out = (struct outcome *)((uint8_t *)in + OUTCOME_OFFSET);
  greg_t *g = uc->uc_mcontext.gregs;
  save_state(&out->state, uc);
  out->vector = sig == SIGALRM ? VECTOR_HANG : (uint32_t)g[REG_TRAPNO];
  out->error_code = (uint32_t)g[REG_ERR];
  out->cr2 = (uint64_t)g[REG_CR2];
  out->diff_truncated = 0;
  uint32_t used = collect_diffs(out->diffs, 0, 0, DATA_SIZE, &out->diff_truncated);
  out->diff_bytes = collect_diffs(out->diffs, used, DATA_SIZE, IMAGE_SIZE, &out->diff_truncated);
  for (size_t p = 0; p < in->patch_bytes;) {
    uint16_t length = *(uint16_t *)(in->patches + p + 2);
    restore_memory(*(uint16_t *)(in->patches + p), length);
    p += 4u + length;
  }
  uint8_t *code = code_alias + (in->state.rip - CODE_ADDRESS);
  for (int i = 0; i < in->code_length; i++) code[i] = 0xcc;
  return sig == SIGALRM || !has_lost_bases(&out->state);
}

extern char iret[];

static void leave_by_iret(ucontext_t *uc) {
  greg_t *g = uc->uc_mcontext.gregs;
  if (g[REG_RIP] == (greg_t)iret) return; /* an alarm came before it */
  iret_frame.rip = (uint64_t)g[REG_RIP];
  iret_frame.cs = (uint16_t)g[REG_CSGSFS];
  iret_frame.rflags = (uint64_t)g[REG_EFL];
  iret_frame.rsp = (uint64_t)g[REG_RSP];
  iret_frame.ss = (uint64_t)g[REG_CSGSFS] >> 48;
  g[REG_RIP] = (greg_t)iret;
  g[REG_CSGSFS] = (greg_t)((uint64_t)main_state.cs | (uint64_t)main_state.ss << 48);
  g[REG_EFL] = 0x202;
  g[REG_RSP] = (greg_t)&iret_frame;
}

static void next_case(int sig, ucontext_t *uc) {
  if (!running) {
    if (sig == SIGALRM) return;
    if (sig != SIGTRAP) _exit(70); /* a fault of the runner itself */
    save_state(&main_state, uc);
    running = 1;
    index_ = 0;
  } else {
    /* The first alarm may come before the instruction began. */
    if (sig == SIGALRM && ++alarms < 3) return;
    if (end_case(sig, uc)) index_++;
  }
  if (index_ < count) {
    begin_case(uc);
  } else {
    running = 0;
    load_state(&main_state, uc);
  }
}

__attribute__((used)) static void on_signal(int sig, siginfo_t *info, ucontext_t *uc) {
  (void)info;
  next_case(sig, uc);
  if (running) leave_by_iret(uc);
}

extern void signal_entry(int, siginfo_t *, void *);
extern void signal_return(void);
__asm__(
    ".text\n"
    "signal_entry:\n"
    "  pushfq\n"
    "  andq $~0x244000, (%rsp)\n" /* ID, AC, NT must not act on the handler */
    "  popfq\n"
    "  cld\n"
    "  jmp on_signal\n"
    "signal_return:\n"
    "  movl $15, %eax\n" /* rt_sigreturn */
    "  syscall\n"
    "iret:\n"
    "  iretq\n");

static void *map(unsigned long address, size_t size, int protection, int flags, int fd) {
  void *p = mmap((void *)address, size, protection, flags, fd, 0);
  if (p == MAP_FAILED || (address && p != (void *)address)) {
    perror("mmap");
    exit(71);
  }
  return p;
}

static void handle(int sig) {
  struct {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
  } action = {signal_entry, SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */, signal_return,
              ~0ul};
  if (system_call(SYS_rt_sigaction, sig, (long)&action, 0, 8)) exit(72);
}

int main(int argc, char **argv) {
  if (argc != 2) return 64;
  int fd = open(argv[1], O_RDWR | O_CLOEXEC);
  off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  if (size < (off_t)(HEADER_SIZE + SLOT_SIZE)) return 66;
  shared = map(0, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd);
  int code = memfd_create("code", MFD_CLOEXEC);
  if (code < 0 || ftruncate(code, CODE_SIZE)) return 71;
  code_alias = map(0, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, code);
  int fixed = MAP_FIXED_NOREPLACE;
  map(CODE_ADDRESS, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | fixed, code);
  int private = MAP_PRIVATE | MAP_ANONYMOUS;
  map(DATA_ADDRESS, DATA_SIZE, PROT_READ | PROT_WRITE, private | fixed, -1);
  map(STACK_ADDRESS, STACK_SIZE, PROT_READ | PROT_WRITE, private | fixed, -1);
  expected = map(0, IMAGE_SIZE, PROT_READ | PROT_WRITE, private, -1);
  for (size_t i = 0; i < CODE_SIZE; i++) code_alias[i] = 0xcc;

  keeps_bases = (getauxval(AT_HWCAP2) & 2 /* FSGSBASE */) != 0;
  stack_t stack = {.ss_sp = map(0, 0x20000, PROT_READ | PROT_WRITE, private, -1),
                   .ss_size = 0x20000};
  sigaltstack(&stack, 0);
  int signals[] = {SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP, SIGALRM};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) handle(signals[i]);
  struct itimerval period = {{0, 50000}, {0, 50000}};
  setitimer(ITIMER_REAL, &period, 0);

  uint32_t most = (uint32_t)((size - (off_t)HEADER_SIZE) / (off_t)SLOT_SIZE);
  char line[32];
  for (;;) {
    /* The alarm interrupts no system call for long: reads are begun again by hand. */
    size_t used = 0;
    while (used < sizeof line - 1) {
      ssize_t n = read(0, line + used, 1);
      if (n == 0) return 0;
      if (n < 0) continue;
      if (line[used++] == '\n') break;
    }
    line[used] = 0;
    count = (uint32_t)strtoul(line, 0, 10);
    if (count > most) return 65;
    for (size_t i = 0; i < IMAGE_SIZE; i += 0x1000) restore_memory(i, 0x1000);
    __asm__ volatile("int3" ::: "memory", "cc", "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "r8",
                     "r9", "r10", "r11", "r12", "r13", "r14", "r15");
    while (write(1, "done\n", 5) < 0) {
    }
  }
}
