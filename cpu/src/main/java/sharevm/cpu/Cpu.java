package sharevm.cpu;

/** One x86-64 processor. */
public final class Cpu {}
