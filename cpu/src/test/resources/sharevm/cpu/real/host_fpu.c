/*
 * Runs single floating-point instructions on the processor of this machine.
 *
 * Standard input: a 32-bit count, then that many records, again and again until end of file; each
 * batch is answered by its records after execution. A record holds the FXSAVE image, the
 * instruction, RAX, RFLAGS and 128 bytes of memory that the instruction finds at [RDI].
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct record {
  uint8_t fx[512];
  uint8_t memory[128];
  uint8_t code[16];
  uint64_t code_length;
  uint64_t rax;
  uint64_t rflags;
  uint64_t signal;
};

static struct record work __attribute__((aligned(64)));
static uint8_t *code;
static uint8_t *code_end;
static volatile uint64_t caught;

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)info;
  caught = number;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)code_end;
}

static void execute(void) {
  struct record *r = &work;
  uint8_t *target = code;
  __asm__ volatile(
      "fxrstor64 (%[r])\n\t"
      "pushq %[r]\n\t"
      "pushq 672(%[r])\n\t"
      "movq 664(%[r]), %%rax\n\t"
      "leaq 512(%[r]), %%rdi\n\t"
      "popfq\n\t"
      "call *%[target]\n\t"
      "pushfq\n\t"
      "popq %%rdx\n\t"
      "popq %[r]\n\t"
      "movq %%rax, 664(%[r])\n\t"
      "movq %%rdx, 672(%[r])\n\t"
      "fxsave64 (%[r])\n\t"
      "fninit\n\t"
      "cld\n\t"
      : [r] "+b"(r), [target] "+c"(target)
      :
      : "rax", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
  static const uint32_t mxcsr = 0x1f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGFPE, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  sigaction(SIGSEGV, &action, NULL);
  code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) {
    return 1;
  }
  uint32_t count;
  while (fread(&count, sizeof count, 1, stdin) == 1) {
    struct record *batch = malloc((size_t)count * sizeof work);
    if (batch == NULL || fread(batch, sizeof work, count, stdin) != count) {
      return 1;
    }
    for (uint32_t i = 0; i < count; i++) {
      work = batch[i];
      memcpy(code, work.code, work.code_length);
      code_end = code + work.code_length;
      *code_end = 0xc3;
      caught = 0;
      execute();
      work.signal = caught;
      batch[i] = work;
    }
    fwrite(batch, sizeof work, count, stdout);
    fflush(stdout);
    free(batch);
  }
  return 0;
}
