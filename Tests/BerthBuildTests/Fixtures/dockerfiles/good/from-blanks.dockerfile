FROM	  alpine 	 AS   base  
