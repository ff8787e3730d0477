import asyncio,tempfile,json,sys,collections
from pathlib import Path
from tests.attacks.world import *
from tests.attacks import hostile
from hypothesis import given, settings, HealthCheck, Phase
N=int(sys.argv[1])
async def main():
    with tempfile.TemporaryDirectory() as d:
        async with world_in(Path(d)) as w:
            api=(await w.http.get('/openapi.json')).json()
            paths=[(m.upper(),p) for p,ms in api['paths'].items() for m in ms]
            paths+= [x for x in paths if x[1] in hostile.MEANT]*2
            tally=collections.Counter(); bad={}
            seen=0
            @settings(max_examples=N, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
            @given(hostile.requests(paths, w.admin['authorization']))
            def run(sent):
                nonlocal seen
                heard=hostile.said(w.process.url, sent, seconds=2)
                st_=heard[9:12].decode() or 'none'
                tally[st_]+=1
                lost=len(Path(d,'log').read_bytes())
                tb=b'Traceback' in Path(d,'log').read_bytes()[seen:]
                seen=lost
                fails=w.acme, 
                if st_.startswith('5') or tb:
                    kind=(st_,sent.path,heard.partition(b'\r\n\r\n')[2][:110])
                    bad.setdefault(kind,[]).append(sent)
            await asyncio.to_thread(run)
            print(tally)
            for k,v in sorted(bad.items(), key=lambda x:-len(x[1])): print(len(v),k,'\n     ',repr(min(v,key=lambda s:len(s.data)))[:700])
            for dep in (await w.http.get('/v1/deployments')).json()['data']: print(dep['deployment'],dep['state'],dep['failures'],dep['successes'],dep['unsupported'])
            print(w.process.rss_mb(), w.process.peak_mb())
            log=Path(d,'log').read_text()
            i=log.find('Traceback'); print(log.count('Traceback')); print(log[i-200:i+5000] if i>=0 else '')
asyncio.run(main())
