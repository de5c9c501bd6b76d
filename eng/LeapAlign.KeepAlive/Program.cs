using LeapAlign.KeepAlive;
using Mono.Cecil;

// Usage: LeapAlign.KeepAlive <assembly> <changed assembly>
using var module = ModuleDefinition.ReadModule(args[0]);
var reads = Handles.Keep(module);
// Every program that runs the copy has it: it is the innermost library of ours, and its assembly version moves with the major version only.
var pipeline = new AssemblyNameReference("LeapAlign.Pipeline", new Version(1, 0, 0, 0));
module.AssemblyReferences.Add(pipeline);
var functions = NativeCalls.Enter(module, pipeline);
Libraries.Serve(module, pipeline);
Console.WriteLine($"{Path.GetFileName(args[0])}: {reads} reads of native handles keep their object until the method returns, {functions} native functions look to the stack for signals first");
if (reads == 0 || functions == 0) return 1;
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(args[1]))!);
// Written aside and moved: the build takes whatever has the name for the whole.
var aside = $"{args[1]}.{Guid.NewGuid():N}";
module.Write(aside);
File.Move(aside, args[1], overwrite: true);
return 0;
