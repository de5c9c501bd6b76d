using Mono.Cecil;
using Mono.Cecil.Cil;

namespace LeapAlign.KeepAlive;

/// <summary>Where native libraries come from. TorchSharp looks for them by name as soon as it is touched; whoever answers has to be there before (docs/decisions/0042).</summary>
internal static class Libraries
{
    /// <summary>Lets the assembly call <c>LeapAlign.Pipeline.LibTorch.Serve</c> before any other code of its own.</summary>
    /// <param name="module">What is changed.</param>
    /// <param name="pipeline">The reference to the assembly that has it.</param>
    public static void Serve(ModuleDefinition module, AssemblyNameReference pipeline)
    {
        var serve = new MethodReference("Serve", module.TypeSystem.Void, new TypeReference("LeapAlign.Pipeline", "LibTorch", module, pipeline));
        var initializer = Initializer(module.Types.Single(static type => type.Name == "<Module>"), module);
        initializer.Body.GetILProcessor().InsertBefore(initializer.Body.Instructions[0], Instruction.Create(OpCodes.Call, serve));
    }

    private static MethodDefinition Initializer(TypeDefinition type, ModuleDefinition module)
    {
        if (type.Methods.FirstOrDefault(static method => method.IsConstructor && method.IsStatic) is { } there) return there;
        var initializer = new MethodDefinition(".cctor", MethodAttributes.Static | MethodAttributes.SpecialName | MethodAttributes.RTSpecialName, module.TypeSystem.Void);
        initializer.Body.GetILProcessor().Emit(OpCodes.Ret);
        type.Methods.Add(initializer);
        return initializer;
    }
}
