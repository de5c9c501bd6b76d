using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace LeapAlign.KeepAlive;

/// <summary>
/// Objects whose native handle is read, and whose finalizer frees it. Optimised code lets go of such an object once its handle was read, so that a collection
/// that another thread starts during the native call may free what the call works with.
/// </summary>
internal static class Handles
{
    /// <summary>Keeps each of them until the method that reads its handle returns.</summary>
    /// <param name="module">What is changed.</param>
    /// <returns>How many reads there are.</returns>
    public static int Keep(ModuleDefinition module)
    {
        var keepAlive = module.ImportReference(new MethodReference("KeepAlive", module.TypeSystem.Void, Collector(module))
        {
            Parameters = { new ParameterDefinition(module.TypeSystem.Object) },
        });
        var reads = 0;
        foreach (var method in module.GetTypes().SelectMany(static type => type.Methods).Where(static method => method.HasBody))
            reads += Keep(method, keepAlive);
        return reads;
    }

    private static int Keep(MethodDefinition method, MethodReference keepAlive)
    {
        var reads = method.Body.Instructions.Where(ReadsHandle).ToList();
        if (reads.Count == 0) return 0;
        var body = method.Body;
        body.SimplifyMacros();
        body.InitLocals = true;
        var il = body.GetILProcessor();
        var kept = reads.ConvertAll(read => Remember(il, read));
        foreach (var exit in body.Instructions.Where(static instruction => instruction.OpCode == OpCodes.Ret).ToList()) Release(il, exit, kept, keepAlive);
        body.OptimizeMacros();
        return reads.Count;
    }

    // In the place of the instruction itself: branches that lead to it lead to what comes first now.
    private static VariableDefinition Remember(ILProcessor il, Instruction read)
    {
        var getter = (MethodReference)read.Operand;
        var local = new VariableDefinition(getter.DeclaringType);
        il.Body.Variables.Add(local);
        var call = il.Create(read.OpCode, getter);
        (read.OpCode, read.Operand) = (OpCodes.Dup, null);
        il.InsertAfter(read, il.Create(OpCodes.Stloc, local));
        il.InsertAfter(read.Next, call);
        return local;
    }

    private static void Release(ILProcessor il, Instruction exit, List<VariableDefinition> kept, MethodReference keepAlive)
    {
        List<Instruction> way = [.. kept.SelectMany(local => new[] { il.Create(OpCodes.Ldloc, local), il.Create(OpCodes.Call, keepAlive) }), il.Create(OpCodes.Ret)];
        (exit.OpCode, exit.Operand) = (way[0].OpCode, way[0].Operand);
        foreach (var next in way.Skip(1).Reverse()) il.InsertAfter(exit, next);
    }

    private static bool ReadsHandle(Instruction instruction) =>
        instruction.OpCode.FlowControl == FlowControl.Call
        && instruction.Operand is MethodReference { Name: "get_Handle" or "get_handle", HasThis: true } getter
        && getter.ReturnType.MetadataType == MetadataType.IntPtr
        && getter.Resolve()?.DeclaringType.Methods.Any(static method => method.Name == "Finalize") == true;

    private static TypeReference Collector(ModuleDefinition module) =>
        new("System", nameof(GC), module, module.TypeSystem.CoreLibrary);
}
