using System.Diagnostics;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;
using static TorchSharp.torch;

namespace LeapAlign.Architecture.Tests;

/// <summary>What TorchSharp hands to a native call lives until that has returned, see docs/decisions/0022.</summary>
public sealed class KeptHandleTests
{
    [Fact]
    public void Every_method_keeps_the_objects_whose_handles_it_reads_until_it_returns()
    {
        using var module = ModuleDefinition.ReadModule(typeof(Tensor).Assembly.Location);
        var readers = module.GetTypes().SelectMany(static type => type.Methods).Where(static method => method.HasBody && method.Body.Instructions.Any(ReadsHandle)).ToList();
        foreach (var reader in readers) reader.Body.SimplifyMacros();
        Assert.Empty(readers.Where(static reader => !Keeps(reader.Body.Instructions)).Select(static reader => reader.FullName));
        var types = readers.SelectMany(static reader => reader.Body.Instructions).Where(ReadsHandle).Select(static read => ((MethodReference)read.Operand).DeclaringType.FullName);
        Assert.Superset(new HashSet<string> { "TorchSharp.Scalar", "TorchSharp.torch/Tensor", "TorchSharp.torch/Generator" }, types.ToHashSet());
    }

    [Fact]
    public void A_collection_during_a_call_takes_nothing_from_it()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                Thread.SpinWait(3000);
            }
        });
        collector.Start();
        try
        {
            using var one = ones(64);
            var began = Stopwatch.GetTimestamp();
            // Without the copy, one of some 10 000 throws; how many there are depends on the machine.
            for (var factor = 1; Stopwatch.GetElapsedTime(began).TotalSeconds < 3; factor++)
            {
                using var product = one * (double)factor;
                Assert.Equal(factor, product.data<float>()[63]);
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    private static bool ReadsHandle(Instruction instruction) =>
        instruction.Operand is MethodReference { Name: "get_Handle" or "get_handle", HasThis: true } getter
        && getter.ReturnType.MetadataType == MetadataType.IntPtr
        && getter.Resolve()?.DeclaringType.Methods.Any(static method => method.Name == "Finalize") == true;

    // An object is in a variable of its own when its handle is read, and every variable is kept at every way out.
    private static bool Keeps(ICollection<Instruction> body)
    {
        var read = body.Where(ReadsHandle).Select(static read => read.Previous.OpCode == OpCodes.Stloc ? (VariableDefinition)read.Previous.Operand : null).ToList();
        return read.Distinct().Count() == read.Count && body.Where(static instruction => instruction.OpCode == OpCodes.Ret).All(exit => Kept(exit).SetEquals(read));
    }

    private static HashSet<VariableDefinition?> Kept(Instruction exit)
    {
        HashSet<VariableDefinition?> kept = [];
        for (var call = exit.Previous; call is { OpCode.Code: Code.Call, Operand: MethodReference { Name: nameof(GC.KeepAlive) } }; call = call.Previous.Previous)
            kept.Add(call.Previous.Operand as VariableDefinition);
        return kept;
    }
}
