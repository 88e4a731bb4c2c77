/** The x86-64 processor: no devices, no files, no threads, no clock. */
module sharevm.cpu {
  exports sharevm.cpu;
  exports sharevm.cpu.address;
  exports sharevm.cpu.decode;
  exports sharevm.cpu.event;
  exports sharevm.cpu.instruction;
  exports sharevm.cpu.interpret;
  exports sharevm.cpu.opcode;
  exports sharevm.cpu.real;
  exports sharevm.cpu.text;
}
