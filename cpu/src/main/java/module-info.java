/** The x86-64 processor: no devices, no files, no threads, no clock. */
module sharevm.cpu {
  exports sharevm.cpu;
  exports sharevm.cpu.real;
}
