using Mono.Cecil;
using Mono.Cecil.Cil;

namespace LeapAlign.KeepAlive;

/// <summary>
/// Calls of native functions. Each thread needs a larger stack for signals before it computes there (docs/decisions/0023), whoever started it; so it gets one before its first call.
/// </summary>
internal static class NativeCalls
{
    /// <summary>What the declaration of a native function is called from now on.</summary>
    private const string Native = "__native";

    /// <summary>Gives the name of each native function to a method that calls <c>LeapAlign.Pipeline.SignalStack.Enter</c> first. So delegates of it are covered too.</summary>
    /// <param name="module">What is changed.</param>
    /// <param name="pipeline">The reference to the assembly that has it.</param>
    /// <returns>How many functions there are.</returns>
    public static int Enter(ModuleDefinition module, AssemblyNameReference pipeline)
    {
        var enter = new MethodReference("Enter", module.TypeSystem.Void, new TypeReference("LeapAlign.Pipeline", "SignalStack", module, pipeline));
        var functions = module.GetTypes().SelectMany(static type => type.Methods).Where(static method => method.IsPInvokeImpl).ToList();
        foreach (var function in functions) Enter(function, enter);
        return functions.Count;
    }

    private static void Enter(MethodDefinition gate, MethodReference enter)
    {
        var native = new MethodDefinition($"{gate.Name}{Native}", (gate.Attributes & ~MethodAttributes.MemberAccessMask) | MethodAttributes.Private, gate.ReturnType)
        {
            ImplAttributes = gate.ImplAttributes,
            PInvokeInfo = new PInvokeInfo(gate.PInvokeInfo.Attributes, gate.PInvokeInfo.EntryPoint ?? gate.Name, gate.PInvokeInfo.Module),
        };
        native.MethodReturnType.MarshalInfo = gate.MethodReturnType.MarshalInfo;
        foreach (var parameter in gate.Parameters) native.Parameters.Add(new ParameterDefinition(parameter.Name, parameter.Attributes, parameter.ParameterType) { MarshalInfo = parameter.MarshalInfo });
        gate.DeclaringType.Methods.Add(native);

        gate.PInvokeInfo = null;
        gate.IsPInvokeImpl = false;
        gate.IsPreserveSig = false;
        gate.MethodReturnType.MarshalInfo = null;
        foreach (var parameter in gate.Parameters) parameter.MarshalInfo = null;
        gate.Body = new MethodBody(gate);
        var il = gate.Body.GetILProcessor();
        il.Emit(OpCodes.Call, enter);
        foreach (var parameter in gate.Parameters) il.Emit(OpCodes.Ldarg, parameter);
        il.Emit(OpCodes.Call, native);
        il.Emit(OpCodes.Ret);
    }
}
